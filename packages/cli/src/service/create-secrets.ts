import type { SecretsResolver } from '@mad/tasks';
import type { Terminal } from '../terminal.ts';

/** `MAD_SERVICE_CREDENTIAL` as whatever the document asks for: an API key, a bearer token, or user:password. */
export function createSecrets({ MAD_SERVICE_CREDENTIAL: text }: Terminal['env']): SecretsResolver | undefined {
  if (!text) return undefined;
  const at = text.indexOf(':');
  const basic = at < 0 ? {} : { username: text.slice(0, at), password: text.slice(at + 1) };
  return { resolve: async () => ({ apiKey: text, token: text, ...basic }) };
}
