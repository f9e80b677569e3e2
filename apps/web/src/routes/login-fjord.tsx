/** Ridges behind ridges down to still water. Decorative. */
export function Fjord() {
  return (
    <svg className="fjord" viewBox="0 0 600 420" preserveAspectRatio="xMidYMax slice" aria-hidden="true">
      <circle className="fjord-sun" cx="452" cy="92" r="52" />
      <path className="fjord-far" d="M0 150 82 84l58 44L236 34l92 92 66-44 92 74L600 92v328H0z" />
      <path className="fjord-middle" d="M0 234 108 148l84 66 80-46 96 86 72-38 160 74v190H0z" />
      <path className="fjord-near" d="M0 306c70-44 130-70 190-60s80 46 160 46 150-52 250-66v194H0z" />
      <path className="fjord-water" d="M0 344h600v76H0z" />
      <path className="fjord-light" d="M394 360h116M414 376h76M430 392h44" />
    </svg>
  )
}
