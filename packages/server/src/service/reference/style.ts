export const style = `:root {
  color-scheme: light dark;
  --line: color-mix(in srgb, currentColor 20%, transparent);
  --soft: color-mix(in srgb, currentColor 6%, transparent);
}
body {
  margin: 0 auto;
  padding: 1.5rem;
  max-width: 60rem;
  font: 1rem/1.6 system-ui, sans-serif;
}
input {
  display: block;
  width: 100%;
  box-sizing: border-box;
  padding: 0.5rem;
  font: inherit;
}
details {
  border: 1px solid var(--line);
  border-radius: 0.5rem;
  margin: 0.5rem 0;
}
summary {
  cursor: pointer;
  padding: 0.6rem 0.8rem;
}
summary:focus-visible {
  outline: 3px solid;
}
.method {
  display: inline-block;
  min-width: 4.5rem;
  font-weight: 700;
}
code,
pre {
  font-family: ui-monospace, monospace;
  font-size: 0.9em;
}
pre {
  overflow: auto;
  padding: 0.8rem;
  background: var(--soft);
}
.about {
  padding: 0 0.8rem 0.8rem;
}
`
