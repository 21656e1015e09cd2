import base from './styles/base.css?inline';
import controls from './styles/controls.css?inline';
import log from './styles/log.css?inline';
import panels from './styles/panels.css?inline';
import tokens from './styles/tokens.css?inline';

let sheet: CSSStyleSheet | undefined;

/** Constructed sheets pass a CSP of `style-src 'self'`, which an injected style element does not. */
export function adoptStyles(root: Document | ShadowRoot): void {
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(tokens + base + controls + panels + log);
  }
  if (!root.adoptedStyleSheets.includes(sheet)) root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
}
