export const unauthorized = 'The IdP reports 401';
export const unauthorizedFix =
  'Okta and Google connectors need Bearer, one space, the token; Entra ID the token alone. A rotated token gets 401 too.';
export const absent = 'Users do not appear';
export const absentNever = 'No request has been accepted yet. Check the SCIM base URL and the token in your IdP.';
export const absentFix =
  'Requests arrive. Assign the users to the app and turn on Push New Users. Entra ID works in cycles of about 40 minutes.';
export const fields = 'Fields are missing';
export const fieldsFix =
  'Nothing is invented. Map userName, email, given and family name in your IdP, then push the user again.';
export const stays = 'Deactivated users stay enabled';
export const staysFix = 'Turn on Push User Deactivation in Okta. Entra ID disables unassigned users at its next cycle.';
