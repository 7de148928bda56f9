import type { Contender } from '../contender.ts';

/** Loaded when it is its turn: what a process loads is part of its first call. */
const CONTENDERS: Readonly<Record<string, () => Promise<Contender>>> = {
  'undici.dispatch': async () => (await import('./undici.ts')).undiciDispatch,
  'undici.request': async () => (await import('./undici.ts')).undiciRequest,
  mad: async () => (await import('./mad.ts')).mad,
  'undici.fetch': async () => (await import('./undici.ts')).undiciFetch,
  'openapi-fetch': async () => (await import('./openapi-fetch.ts')).openapiFetch,
  axios: async () => (await import('./axios.ts')).plainAxios,
  'openapi-client-axios': async () => (await import('./axios.ts')).openapiClientAxios,
};

export const NAMES: readonly string[] = Object.keys(CONTENDERS);

/** @throws for a name that is none of them. */
export async function loadContender(name: string): Promise<Contender> {
  const load = CONTENDERS[name];
  if (load) return load();
  throw new Error(`there is no contender ${name}: expected one of ${NAMES.join(', ')}`);
}
