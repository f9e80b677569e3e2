export const style = `
:root { color-scheme: light dark; --ground: light-dark(#f4f5f7, #15181c); --card: light-dark(#fff, #1f242a); --ink: light-dark(#1b222a, #eef1f4); --muted: light-dark(#51606f, #a9b5c1); --line: light-dark(#cbd3db, #3b454f); --accent: light-dark(#0b5d5b, #6fd0cb) }
.vipps { --accent: light-dark(#7a2e6b, #e3a3d6) }
.idura { --accent: light-dark(#5b4a00, #e0cd7a) }
.signicat { --accent: light-dark(#1d4a86, #9fc3f2) }
details { margin: 0 0 1.5rem } summary { font-weight: 600; cursor: pointer; margin-bottom: .5rem }
* { box-sizing: border-box }
[hidden] { display: none !important }
body { margin: 0; background: var(--ground); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif }
.banner { position: sticky; top: 0; margin: 0; padding: .5rem 1rem; text-align: center; letter-spacing: .04em; color: #1b1400; background: repeating-linear-gradient(-45deg, #ffd23f 0 18px, #f5b800 18px 36px) }
main { max-width: 34rem; margin: 0 auto; padding: 1.25rem 1rem 3rem }
.provider { margin: 0; font-weight: 600; color: var(--accent) }
h1 { margin: .25rem 0 .5rem; font-size: 1.5rem; line-height: 1.25 }
p { margin: 0 0 1rem } .muted { color: var(--muted) }
label { display: block; margin: 0 0 1rem; font-weight: 600 }
input, select { display: block; width: 100%; min-height: 2.75rem; margin-top: .25rem; padding: .5rem .75rem; font: inherit; color: inherit; background: var(--card); border: 1px solid var(--muted); border-radius: .5rem }
ul { list-style: none; margin: 0 0 1.5rem; padding: 0; display: grid; gap: .5rem }
button { width: 100%; min-height: 3rem; padding: .625rem 1rem; font: inherit; color: inherit; text-align: left; background: var(--card); border: 1px solid var(--line); border-radius: .625rem; cursor: pointer }
button:hover { border-color: var(--accent) }
button strong, button span { display: block } button span { color: var(--muted); font-size: .9375rem }
.primary { text-align: center; font-weight: 600; color: light-dark(#fff, #10201f); background: var(--accent); border-color: var(--accent); margin-bottom: .5rem }
.secondary { text-align: center; font-weight: 600 }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }
dl { margin: 0 0 1.5rem; padding: 0 1rem; background: var(--card); border: 1px solid var(--line); border-radius: .625rem }
dt { margin-top: .75rem; font-weight: 600 } dd { margin: 0 0 .75rem; white-space: pre-line; overflow-wrap: anywhere }
a { color: var(--accent) } .language { margin-top: 1.5rem; text-align: center }
`
