export const intro = 'Users in from your identity provider, users out to a downstream app.';
export const readOnly = 'Read-only: changes need the right sync:write.';
export const ended = 'Your session has ended';
export const endedHint = 'Nothing is lost. Reload this page to sign in again.';
export const lost = 'The server does not answer right now. This is the state of a moment ago.';
export const missing = 'There is no such tenant, or it is not yours to see.';
