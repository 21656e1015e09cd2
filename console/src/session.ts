/** What a token says of itself. The server verifies it; this only spares the user buttons that would be refused. */
interface Claims {
  exp?: number;
  scope?: string;
  tenant?: string;
}

export class SessionEnded extends Error {}

const REFRESH_SECONDS = 60;

function claims(token: string): Claims {
  try {
    const part = (token.split('.')[1] ?? '').replace(/-/g, '+').replace(/_/g, '/');
    return JSON.parse(atob(part)) as Claims;
  } catch {
    return {};
  }
}

/** How long a token is good by its own word; one that says nothing is good until the server refuses it. */
export const secondsLeft = (token: string): number => left(claims(token));

const left = ({ exp }: Claims): number => (exp ?? Number.POSITIVE_INFINITY) - Date.now() / 1000;

/** Keeps the operator's token in memory and asks for the next one when less than a minute is left. */
export class Session {
  private token = '';
  private said: Claims = {};
  private asking: Promise<string> | undefined;

  constructor(private readonly getToken: () => Promise<string>) {}

  async bearer(): Promise<string> {
    if (this.token && left(this.said) > REFRESH_SECONDS) return this.token;
    // Requests that start together share one question.
    this.asking ??= this.ask().finally(() => {
      this.asking = undefined;
    });
    return this.asking;
  }

  /** Whether the token names this right for this tenant; an opaque token is given the benefit of the doubt. */
  may(right: string, tenant: string): boolean {
    const { scope, tenant: of } = this.said;
    return (scope === undefined || scope.split(' ').includes(right)) && (!of || of === '*' || of === tenant);
  }

  forget(): void {
    this.token = '';
  }

  private async ask(): Promise<string> {
    try {
      this.token = await this.getToken();
    } catch {
      this.token = '';
    }
    this.said = claims(this.token);
    if (!this.token || left(this.said) <= 0) throw new SessionEnded();
    return this.token;
  }
}
