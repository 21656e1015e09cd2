// What a host gives the section and is told by it. It stands alone: dist/react.d.ts is made of it.

/** A direction was switched. */
export interface Changed {
  direction: 'inbound' | 'outbound';
  status: 'enabled' | 'disabled';
}

/** What the host is told. No secret is ever in it. */
export interface Events {
  onChanged?: (change: Changed) => void;
  onError?: (error: { code: string }) => void;
  onSessionEnded?: () => void;
}

/** What the form for a downstream begins with. */
export interface Prefill {
  url?: string | null;
  token?: string | null;
}

export interface IdentitySyncProps extends Events {
  tenant: string;
  /** Gives the operator's short-lived token; asked again when less than a minute of it is left. */
  getToken: () => Promise<string>;
  /** Where the control API is; the page's own origin where left out. */
  apiBase?: string;
  /** Of dates and numbers, as in BCP 47. */
  locale?: string;
  /** http, addresses and any port are left to the server's own development flag. */
  development?: boolean;
  prefill?: Prefill;
  /** Where to ask for more than the panels offer, https: or mailto:. */
  supportUrl?: string;
}
