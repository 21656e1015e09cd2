/** First and last characters stay in sight: enough to compare with what was pasted. */
export const masked = (token: string) => `${token.slice(0, 10)}………${token.slice(-4)}`;
