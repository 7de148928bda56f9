import { createHmac, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { newId, ValidationFailedError } from '@mad/core';
import { SignJWT } from 'jose';
import { expect, test } from 'vitest';
import {
  type AccessTokenAlgorithm,
  type AccessTokenKey,
  type AccessTokenKeys,
  AccessTokenRefusedError,
  issueAccessToken,
  type Principal,
  verifyAccessToken,
} from '../../src/index.ts';

const make: Readonly<Record<AccessTokenAlgorithm, () => { publicKey: KeyObject; privateKey: KeyObject }>> = {
  EdDSA: () => generateKeyPairSync('ed25519'),
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  RS256: () => generateKeyPairSync('rsa', { modulusLength: 2_048 }),
};
const newKey = (algorithm: AccessTokenAlgorithm): AccessTokenKey & { privateKey: KeyObject; publicKey: KeyObject } => ({
  kid: newId(),
  algorithm,
  ...make[algorithm](),
});
const keySet = (...keys: AccessTokenKey[]): AccessTokenKeys => ({
  issuer: 'https://dock.example',
  audience: 'dock',
  keys,
});
const principal: Principal = {
  orgId: newId(),
  userId: newId(),
  roles: ['admin'],
  permissions: new Set(['job.view', 'job.create']),
};
const claims = { org_id: principal.orgId, roles: [], permissions: [] };

const refused = (keys: AccessTokenKeys, token: string) =>
  expect(verifyAccessToken(keys, token)).rejects.toThrow(AccessTokenRefusedError);

/** A token that would be good, but for what a test changes. */
const forged = ({ kid, algorithm }: AccessTokenKey, payload: object = claims, header: object = {}) =>
  new SignJWT({ ...payload })
    .setProtectedHeader({ alg: algorithm, kid, typ: 'at+jwt', ...header })
    .setSubject(principal.userId)
    .setIssuer('https://dock.example')
    .setAudience('dock')
    .setIssuedAt()
    .setExpirationTime('5m');

test.each(Object.keys(make) as AccessTokenAlgorithm[])(
  '%s: a token carries the caller to whoever has the public key',
  async (algorithm) => {
    const { privateKey, ...published } = newKey(algorithm);
    const token = await issueAccessToken(keySet({ ...published, privateKey }), { principal, lifetimeSeconds: 60 });
    const verified = await verifyAccessToken(keySet(published), token);
    expect(verified).toMatchObject({ ...principal });
    expect(Math.abs(verified.expiresAt.getTime() - Date.now() - 60_000)).toBeLessThan(2_000);
    const payload = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    expect(payload).toMatchObject({
      sub: principal.userId,
      org_id: principal.orgId,
      roles: ['admin'],
      permissions: ['job.create', 'job.view'],
    });
  },
);

test('keys are changed without a token being refused; one that is gone signs nothing any more', async () => {
  const [old, next] = [newKey('ES256'), newKey('EdDSA')];
  const token = await issueAccessToken(keySet(old), { principal });
  expect(await verifyAccessToken(keySet(next, old), token)).toMatchObject({ userId: principal.userId });
  await refused(keySet(next), token);
  await refused(keySet(), token);
});

test('no token without a signature, by the public key as a secret, or by a key of another algorithm is taken', async () => {
  const key = newKey('RS256');
  const keys = keySet(key);
  expect(await verifyAccessToken(keys, await forged(key).sign(key.privateKey))).toMatchObject({
    userId: principal.userId,
  });
  const [, payload] = (await forged(key).sign(key.privateKey)).split('.');
  const encode = (header: object) => Buffer.from(JSON.stringify(header)).toString('base64url');
  for (const alg of ['none', 'None', 'NONE']) {
    const unsigned = `${encode({ alg, kid: key.kid, typ: 'at+jwt' })}.${payload}`;
    await refused(keys, `${unsigned}.`);
  }
  const signed = `${encode({ alg: 'HS256', kid: key.kid, typ: 'at+jwt' })}.${payload}`;
  for (const format of ['pem', 'der'] as const) {
    const secret = key.publicKey.export({ type: 'spki', format: format as 'pem' });
    await refused(keys, `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`);
  }
  const other = newKey('EdDSA');
  await refused(keySet(key, other), await forged({ ...other, kid: key.kid }).sign(other.privateKey));
  const twin = newKey('RS256');
  await refused(keys, await forged({ ...twin, kid: key.kid }).sign(twin.privateKey));
});

test('a token of another issuer, audience, time, type or form is refused', async () => {
  const key = newKey('EdDSA');
  const keys = keySet(key);
  const sign = (token: SignJWT) => token.sign(key.privateKey);
  await refused(keys, await sign(forged(key).setIssuer('https://other.example')));
  await refused(keys, await sign(forged(key).setAudience('other')));
  await refused(keys, await sign(forged(key).setExpirationTime(Math.floor(Date.now() / 1000) - 1)));
  await refused(keys, await sign(forged(key, claims, { typ: 'JWT' })));
  await refused(keys, await sign(forged(key, claims, { kid: undefined })));
  await refused(keys, await sign(forged(key).setSubject('root')));
  await refused(keys, await sign(forged(key, { ...claims, org_id: '*' })));
  await refused(keys, await sign(forged(key, { ...claims, permissions: 'job.view' })));
  const eternal = new SignJWT(claims).setProtectedHeader({ alg: 'EdDSA', kid: key.kid, typ: 'at+jwt' });
  await refused(
    keys,
    await sign(
      eternal.setSubject(principal.userId).setIssuer('https://dock.example').setAudience('dock').setIssuedAt(),
    ),
  );
  const good = await issueAccessToken(keys, { principal });
  const [header, , signature] = good.split('.');
  const widened = Buffer.from(JSON.stringify({ ...claims, permissions: ['org.update'] })).toString('base64url');
  await refused(keys, `${header}.${widened}.${signature}`);
  for (const token of ['', 'x', 'a.b.c', null as unknown as string]) await refused(keys, token);
});

test('a token is issued by a private key and for an hour at most', async () => {
  const { privateKey, ...published } = newKey('EdDSA');
  await expect(issueAccessToken(keySet(published), { principal })).rejects.toThrow(ValidationFailedError);
  for (const lifetimeSeconds of [0, 3_601, 1.5, Number.NaN])
    await expect(
      issueAccessToken(keySet({ ...published, privateKey }), { principal, lifetimeSeconds }),
    ).rejects.toThrow(ValidationFailedError);
});
