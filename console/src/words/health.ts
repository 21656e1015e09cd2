export const delivering = 'Delivering';
export const waiting = (n: string) => `${n} waiting`;
export const last = 'last';
export const nothingYet = 'nothing delivered yet';
export const quarantined = (reason: string, at: string) => `Paused: downstream answers ${reason} since ${at}`;
export const held = (at: string) => `Paused since ${at}`;
export const quarantineFix =
  'Nothing is dropped. If the token changed: Disable, then Enable outbound SCIM with the new one.';
export const gone = 'Many records are gone at the downstream. Check it, then Disable and Enable outbound SCIM.';
export const pausedUntil = (at: string) => `Paused by the downstream until ${at}`;
export const oldest = (age: string) => `oldest ${age}`;
export const backfill = 'backfill running';
