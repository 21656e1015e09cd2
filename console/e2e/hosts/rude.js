// Style as rude as a host's can be. What the host shows of its own stays in sight, for the tests to press it.
const rude = new CSSStyleSheet();
rude.replaceSync(`
  * { color: red !important; font-family: fantasy !important; text-transform: uppercase !important; }
  button:not([data-host]), input, textarea, dialog { display: none !important; }
`);
document.adoptedStyleSheets = [rude];
