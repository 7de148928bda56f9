import { isMadError, ValidationFailedError } from '@mad/core';
import { expect, test } from 'vitest';
import { createOutboundPolicy } from '../../../src/client/exchange/outbound-policy.ts';
import { OriginNotAllowedError } from '../../../src/errors.ts';

const origins = ['http://127.0.0.1:8080', 'https://dock.example.org'];

/** What comes of connecting to a name that leads to this address; `all`: as undici asks. */
function connect(hostname: string, networks?: readonly string[]): Promise<string> {
  const { lookup } = createOutboundPolicy({ origins, networks });
  return new Promise((resolve) => {
    lookup(hostname, { all: true }, (error, addresses) => {
      if (error) resolve(isMadError(error) ? error.code : String(error));
      else resolve(Array.isArray(addresses) ? addresses.map(({ address }) => address).join() : addresses);
    });
  });
}

const REFUSED = 'MAD_TASKS_ADDRESS_NOT_ALLOWED';

test.each([
  ['192.0.0.8', REFUSED],
  ['127.0.0.1', REFUSED],
  ['127.8.8.8', REFUSED],
  ['10.1.2.3', REFUSED],
  ['172.16.0.1', REFUSED],
  ['192.168.1.1', REFUSED],
  ['169.254.169.254', REFUSED],
  ['100.64.0.1', REFUSED],
  ['0.0.0.0', REFUSED],
  ['224.0.0.1', REFUSED],
  ['255.255.255.255', REFUSED],
  ['::1', REFUSED],
  ['::', REFUSED],
  ['::7f00:1', REFUSED],
  ['fd00::1', REFUSED],
  ['fe80::1', REFUSED],
  ['::ffff:10.0.0.1', REFUSED],
  ['::ffff:169.254.169.254', REFUSED],
  ['64:ff9b::a00:1', REFUSED],
  ['2002:a00:1::', REFUSED],
  ['8.8.8.8', '8.8.8.8'],
  ['2606:4700::1111', '2606:4700::1111'],
])('an address %s behind a name: %s', async (address, outcome) => {
  expect(await connect(address)).toBe(outcome);
});

test('addresses of the networks that the operator names are allowed, and localhost where its name is', async () => {
  expect(await connect('10.1.2.3', ['10.0.0.0/8'])).toBe('10.1.2.3');
  expect(await connect('::ffff:10.1.2.3', ['10.0.0.0/8'])).toBe('::ffff:10.1.2.3');
  expect(await connect('10.1.2.3', ['10.2.0.0/16', 'fd00::/8'])).toBe(REFUSED);
  expect(await connect('fd00::1', ['10.0.0.0/8', 'fd00::/8'])).toBe('fd00::1');
  expect(await connect('localhost')).toMatch(/127\.0\.0\.1|::1/);
});

test.each([
  'http://127.0.0.1:8081/x',
  'https://127.0.0.1:8080',
  'http://dock.example.org',
  'http://user:secret@127.0.0.1:8080',
  'https://dock.example.org.evil.example',
  'file:///etc/passwd',
  'no URL',
])('%s is no origin that was allowed', (url) => {
  expect(() => createOutboundPolicy({ origins }).parse(url)).toThrow(OriginNotAllowedError);
});

test('what is neither an origin nor a network is refused at its place', () => {
  expect(() => createOutboundPolicy({ origins: ['http://a', 'a/b'] })).toThrow(/\/1: expected scheme/);
  const networks = ['10.0.0.0/8', '10.0.0.0'];
  expect(() => createOutboundPolicy({ origins, networks })).toThrow(ValidationFailedError);
  expect(() => createOutboundPolicy({ origins, networks })).toThrow(/\/1: expected a network/);
});
