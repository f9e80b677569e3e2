/** Ridges behind ridges down to still water. Decorative. */
export function Fjord() {
  return (
    <svg className="fjord" viewBox="0 0 600 800" preserveAspectRatio="xMidYMax slice" aria-hidden="true">
      <circle className="fjord-sun" cx="430" cy="265" r="62" />
      <path className="fjord-far" d="M0 420 90 330l60 50 95-120 80 105 70-60 95 95 110-90v520H0z" />
      <path className="fjord-middle" d="M0 520 110 405l85 85 80-60 95 110 70-50 160 100v240H0z" />
      <path className="fjord-near" d="M0 640c70-60 130-95 190-80s80 60 160 60 150-70 250-90v270H0z" />
      <path className="fjord-water" d="M0 690h600v110H0z" />
      <path className="fjord-light" d="M372 706h116M392 724h76M408 742h44M418 760h24" />
    </svg>
  )
}
