import type { JsonObject } from '@mad/core';
import { describe, expect, test } from 'vitest';
import { authenticate, type Credential, NO_AUTHENTICATION } from '../../../src/client/exchange/authenticate.ts';
import { CredentialMissingError, SecretsUnreachableError } from '../../../src/errors.ts';

const SCHEMES: Readonly<Record<string, JsonObject>> = {
  header: { type: 'apiKey', in: 'header', name: 'X-Key' },
  query: { type: 'apiKey', in: 'query', name: 'k y' },
  cookie: { type: 'apiKey', in: 'cookie', name: 'sid' },
  basic: { type: 'http', scheme: 'Basic' },
  bearer: { type: 'http', scheme: 'bearer' },
  oauth: { type: 'oauth2', flows: {} },
  mutual: { type: 'mutualTLS' },
};

/** With the credentials that the host has, by scheme. */
function ask(alternatives: readonly (readonly string[])[], known: Readonly<Record<string, Credential>> = {}) {
  const security = alternatives.map((names) => names.map((name) => ({ name, scheme: SCHEMES[name] ?? {} })));
  const asked: unknown[] = [];
  const secrets = {
    resolve: async (request: { readonly scheme: string }) => {
      asked.push(request);
      return known[request.scheme];
    },
  };
  return { asked, answer: authenticate({ security, secrets, ask: { orgId: 'o', scope: 'dock' } }) };
}

test.each<[string, Credential, object]>([
  ['header', { apiKey: 'a b' }, { headers: { 'x-key': 'a b' } }],
  ['query', { apiKey: 'a&b' }, { query: ['k%20y=a%26b'] }],
  ['cookie', { apiKey: 'a;b' }, { cookies: ['sid=a%3Bb'] }],
  ['basic', { username: 'ü', password: 'p:q' }, { headers: { authorization: 'Basic w7w6cDpx' } }],
  ['bearer', { token: 't' }, { headers: { authorization: 'Bearer t' } }],
  ['oauth', { token: 't' }, { headers: { authorization: 'Bearer t' } }],
])('a credential of %s goes to its place', async (scheme, credential, placed) => {
  const { asked, answer } = ask([[scheme]], { [scheme]: credential });
  expect(await answer).toEqual({ ...NO_AUTHENTICATION, ...placed });
  expect(asked).toEqual([{ orgId: 'o', scope: 'dock', scheme }]);
});

test('the first alternative counts of which the host has all', async () => {
  const known = { cookie: { apiKey: 'c' }, bearer: { token: 't' }, query: { apiKey: 'q' } };
  const { answer } = ask([['header', 'cookie'], ['cookie', 'bearer'], ['query']], known);
  expect(await answer).toEqual({ headers: { authorization: 'Bearer t' }, query: [], cookies: ['sid=c'] });
});

test('an operation that is open to all needs none, and takes one where the host has it', async () => {
  expect(await ask([]).answer).toEqual(NO_AUTHENTICATION);
  expect(await ask([[], ['bearer']]).answer).toEqual(NO_AUTHENTICATION);
  expect(await ask([[], ['bearer']], { bearer: { token: 't' } }).answer).toMatchObject({
    headers: { authorization: 'Bearer t' },
  });
});

describe('what does not fit is missing, and nothing of it is said', () => {
  test.each<[string, string, Credential]>([
    ['a key for a password', 'basic', { apiKey: 'hidden' }],
    ['a password for a token', 'bearer', { username: 'u', password: 'hidden' }],
    ['a key with a line break', 'header', { apiKey: 'hidden\r\nhost: x' }],
    ['a token with a line break', 'bearer', { token: 'hidden\n' }],
  ])('%s', async (_, scheme, credential) => {
    const error: unknown = await ask([[scheme]], { [scheme]: credential }).answer.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(CredentialMissingError);
    expect(JSON.stringify([error, (error as Error).message, (error as Error).stack])).not.toContain('hidden');
  });

  test('a scheme that no credential is for', async () => {
    await expect(ask([['mutual']], { mutual: { token: 't' } }).answer).rejects.toThrow(/credentials of mutual/);
  });
});

test('secrets that do not answer may do so later, and what they said is not told', async () => {
  const security = [[{ name: 'bearer', scheme: SCHEMES.bearer ?? {} }]];
  const resolve = () => Promise.reject(new TypeError('hidden'));
  const asking = authenticate({ security, secrets: { resolve }, ask: { orgId: 'o', scope: 'dock' } });
  const error = (await asking.catch((thrown: unknown) => thrown)) as SecretsUnreachableError;
  expect(error).toBeInstanceOf(SecretsUnreachableError);
  expect(error.retryable).toBe(true);
  expect(JSON.stringify([error, error.message, error.cause ?? null])).not.toContain('hidden');
});
