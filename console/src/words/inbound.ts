export const intro = 'Your identity provider pushes users to this realm. Enabling makes a bearer token, shown once.';
export const offAgain =
  'Off: your IdP gets 401 on every push until inbound is enabled again. Enabling issues a new token; the old one stays dead.';
export const revealTitle = 'Your bearer token';
export const revealAdvice =
  'Copy it now and store it in your IdP and in a password manager. It will not be shown again.';
export const revealRecovery = 'Lost it? Rotate token makes a new one; the previous one stops working immediately.';
export const tokenPlain = 'Token alone, for Entra ID';
export const tokenPrefixed = 'With the word Bearer, for Okta and Google connectors';
export const notCopied = 'You have not copied the token. Close anyway?';
export const closeAnyway = 'Close anyway';
export const keepOpen = 'Keep it open';
export const hiddenTooLong = 'The token was removed after five minutes out of sight. Rotate token to get a new one.';
export const alsoValid = 'The earlier URL stays valid:';
export const token = 'Token';
export const issued = 'Issued';
export const expires = 'Expires';
export const noRequest = 'none yet';
export const reached = (client: string) => `${client} reached this endpoint`;
export const rotateTitle = 'Rotate the token?';
export const rotateText =
  'The previous token stops working immediately. Put the new value into your IdP before its next provisioning cycle.';
export const staleText = 'Rotate again?';
export const rotatedBy = 'The token was rotated';
export const movedOn = 'The configuration was changed meanwhile; the token is still the same. Rotate it?';
export const disableTitle = 'Disable inbound SCIM?';
export const disableText =
  'The realm stops accepting SCIM requests: your IdP gets 401 on every push until inbound is enabled again. Enabling issues a new token; the old one stays dead.';
export const enabledBy = 'Enabled by';
export const undelivered = 'Inbound SCIM is enabled but the token was not delivered. Rotate token to get one.';
export const rotatedUndelivered = 'The token was rotated but the new one was not delivered. Rotate token to get one.';
export const unchanged = 'Nothing has changed so far. Try again.';
export const unsure =
  'It may have been done. When the server answers again: if inbound SCIM is enabled and you have no working token, use Rotate token.';
export const replaced =
  'The token that was shown here has stopped working: somebody else rotated it or disabled inbound SCIM. Get the new one from them, or use Rotate token.';
export const failed = 'Inbound SCIM was not changed.';
export const importing = 'Importing the realm’s users:';
export const imported = 'Imported from the realm:';
export const verifyTitle = 'Where to check';
export const verify =
  'Admin Console → Users: email, firstName and lastName are filled in, Role mappings shows the realm role scim-managed, and a deactivated user is shown as disabled.';
export const testHint = 'To test the connection, run this; the answer is 200.';
