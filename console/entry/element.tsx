import { createRoot, type Root } from 'react-dom/client';
import { IdentitySync } from '../src/IdentitySync';
import { adoptStyles } from '../src/sheet';

const TAG = 'kevra-identity-sync';

/**
 * `<kevra-identity-sync tenant api-base theme locale support-url development>`. The token comes by the property `getToken`, never by an attribute
 * or an event, so that no secret of the operator or the tenant stands in the host's DOM.
 */
class KevraIdentitySync extends HTMLElement {
  static observedAttributes = ['tenant', 'api-base', 'theme', 'locale', 'support-url', 'development'];
  private root: Root | undefined;
  private frame = document.createElement('div');
  private ask: (() => Promise<string>) | undefined;
  private session = 0;
  private ended = false;

  get getToken(): (() => Promise<string>) | undefined {
    return this.ask;
  }

  set getToken(ask: (() => Promise<string>) | undefined) {
    this.ask = ask;
    // A way to a new session after one has ended; while one lasts, nothing on the page is disturbed.
    if (this.ended) this.session++;
    this.ended = false;
    this.draw();
  }

  connectedCallback(): void {
    const shadow = this.shadowRoot ?? this.attachShadow({ mode: 'open' });
    adoptStyles(shadow);
    shadow.replaceChildren(this.frame);
    // A property set before the element was defined would hide the accessor.
    const early = Object.getOwnPropertyDescriptor(this, 'getToken')?.value;
    if (early) {
      Reflect.deleteProperty(this, 'getToken');
      this.ask = early;
    }
    this.root = createRoot(this.frame);
    this.draw();
  }

  disconnectedCallback(): void {
    this.root?.unmount();
    this.root = undefined;
  }

  attributeChangedCallback(): void {
    this.draw();
  }

  private tell(name: string, detail?: object): void {
    this.dispatchEvent(new CustomEvent(`kevra-sync:${name}`, { bubbles: true, composed: true, detail }));
  }

  private draw(): void {
    const tenant = this.getAttribute('tenant');
    const ask = this.ask;
    this.frame.className = 'kv';
    this.frame.dataset.theme = this.getAttribute('theme') ?? '';
    if (!this.root || !tenant || !ask) return;
    this.root.render(
      <IdentitySync
        key={this.session}
        tenant={tenant}
        apiBase={this.getAttribute('api-base') ?? ''}
        locale={this.getAttribute('locale') ?? undefined}
        supportUrl={this.getAttribute('support-url') ?? undefined}
        development={this.hasAttribute('development')}
        getToken={ask}
        onChanged={change => this.tell('changed', change)}
        onError={error => this.tell('error', error)}
        onSessionEnded={() => {
          this.ended = true;
          this.tell('session-ended');
        }}
      />,
    );
  }
}

if (!customElements.get(TAG)) customElements.define(TAG, KevraIdentitySync);
