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
