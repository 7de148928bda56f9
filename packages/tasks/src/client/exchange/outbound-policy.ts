import { lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { ValidationFailedError } from '@mad/core';
import ipaddr from 'ipaddr.js';
import { AddressNotAllowedError, OriginNotAllowedError } from '../../errors.ts';

/** Where calls may go, as whoever operates the deployment says: nothing else is ever connected to. */
export interface OutboundRules {
  /** Scheme, host and port: `http://127.0.0.1:8080`, `https://dock.example.org`. An address or `localhost` that is named here needs no network. */
  readonly origins: readonly string[];
  /** Addresses beside the public ones that a name may lead to, such as `10.0.0.0/8`. @default none */
  readonly networks?: readonly string[] | undefined;
}

export interface OutboundPolicy {
  /**
   * The URL, parsed, when its origin is allowed.
   * @throws {OriginNotAllowedError} for every other, before anything is resolved or connected.
   */
  parse(url: string): URL;
  /** Resolves a name when a connection is made, and fails where one of its addresses is not allowed: what a name leads to may change. */
  readonly lookup: LookupFunction;
}

/** @throws {ValidationFailedError} when an entry is not an origin such as `http://127.0.0.1:8080`, or a network such as `10.0.0.0/8`. */
export function createOutboundPolicy({ origins, networks = [] }: OutboundRules): OutboundPolicy {
  const allowed = new Set(origins.map(readOrigin));
  const ranges = networks.map(readNetwork);
  return {
    parse(url) {
      const parsed = URL.parse(url);
      if (!parsed || !allowed.has(parsed.origin) || parsed.username !== '' || parsed.password !== '') {
        throw new OriginNotAllowedError({
          origin: parsed && parsed.origin !== 'null' ? parsed.origin : 'a URL without an origin',
        });
      }
      return parsed;
    },
    lookup: (hostname, options, callback) => {
      lookup(hostname, { ...options, all: true }, (error, addresses) => {
        if (error) return callback(error, '', 0);
        const isNamed = hostname === 'localhost';
        const refused = addresses.find(({ address }) => !isAllowed(address, { ranges, isNamed }));
        if (refused) return callback(new AddressNotAllowedError({ hostname, address: refused.address }), '', 0);
        const [first] = addresses;
        if (options.all || !first) callback(null, addresses);
        else callback(null, first.address, first.family);
      });
    },
  };
}

type Range = ReturnType<typeof ipaddr.parseCIDR>;

function isAllowed(
  address: string,
  { ranges, isNamed }: { readonly ranges: readonly Range[]; readonly isNamed: boolean },
): boolean {
  // An IPv4 address inside an IPv6 one is that IPv4 address.
  const parsed = ipaddr.process(address);
  const range = parsed.range();
  // Of IPv6 only 2000::/3 is given to the public so far.
  const isGiven = !(parsed instanceof ipaddr.IPv6) || ((parsed.parts[0] ?? 0) & 0xe000) === 0x2000;
  const isPublic = range === 'unicast' && isGiven;
  if (isPublic || (isNamed && range === 'loopback')) return true;
  return ranges.some(([network, bits]) => network.kind() === parsed.kind() && parsed.match(network, bits));
}

function readNetwork(entry: string, index: number): Range {
  if (ipaddr.isValidCIDR(entry)) return ipaddr.parseCIDR(entry);
  throw new ValidationFailedError({
    subject: 'allowedNetworks',
    issues: [{ pointer: `/${index}`, message: 'expected a network such as 10.0.0.0/8' }],
  });
}

function readOrigin(entry: string, index: number): string {
  const url = URL.parse(entry);
  const isOrigin =
    url !== null &&
    /^https?:$/.test(url.protocol) &&
    url.pathname === '/' &&
    url.search === '' &&
    url.hash === '' &&
    url.username === '' &&
    url.password === '';
  if (isOrigin) return url.origin;
  throw new ValidationFailedError({
    subject: 'allowedOrigins',
    issues: [{ pointer: `/${index}`, message: 'expected scheme, host and port only, such as http://127.0.0.1:8080' }],
  });
}
