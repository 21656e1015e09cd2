import { secondsLeft } from '../session';

/** With so little left of a token the next one is asked for. */
const RENEW_SECONDS = 120;

/** What the console is told about where it runs. */
export interface Config {
  /** Unknown where the server does not answer. */
  demo?: boolean;
  support_url?: string | null;
  downstream_url?: string | null;
  downstream_token?: string | null;
}

export async function readConfig(): Promise<Config> {
  try {
    const response = await fetch('/console/config.json');
    return response.ok ? ((await response.json()) as Config) : {};
  } catch {
    return {};
  }
}

/** Takes the one-time code out of the fragment; the address bar and the history never keep it. */
export function takeCode(): string | undefined {
  const code = new URLSearchParams(location.hash.slice(1)).get('code');
  if (!code) return undefined;
  history.replaceState(null, '', location.pathname + location.search);
  return code;
}

/** The token of the page, and the next one before it ends: a token gets a code, and a code is changed into a token. */
export class Tokens {
  private renewing: Promise<string> | undefined;

  constructor(private token: string) {}

  readonly get = async (): Promise<string> => {
    if (secondsLeft(this.token) > RENEW_SECONDS) return this.token;
    // Panels that ask together share one answer.
    this.renewing ??= this.renew().finally(() => {
      this.renewing = undefined;
    });
    return this.renewing;
  };

  private async renew(): Promise<string> {
    try {
      const headers = { authorization: `Bearer ${this.token}` };
      const response = await fetch('/console/code', { method: 'POST', headers });
      const next = response.ok ? await redeem(((await response.json()) as { code: string }).code) : undefined;
      // Whoever gets none goes on with what is left of this one.
      if (next) this.token = next;
    } catch {
      // Likewise.
    }
    return this.token;
  }
}

export async function redeem(code: string): Promise<string | undefined> {
  try {
    const response = await fetch('/console/session', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ code }),
    });
    return response.ok ? ((await response.json()) as { token: string }).token : undefined;
  } catch {
    return undefined;
  }
}
