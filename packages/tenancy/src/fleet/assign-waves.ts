import type { OrgId } from '@mad/core';

/**
 * Who migrates together: organizations by name, so many more, or as many as make up the percentage of the whole run together with the waves
 * before.
 */
export type FleetWave =
  | { readonly organizations: readonly OrgId[] }
  | { readonly count: number }
  | { readonly percent: number };

export interface WaveMember {
  readonly orgId: OrgId;
  /** Counted from 0. */
  readonly wave: number;
}

/** Takes the organizations into the waves in their order. Who is in none is left out, and so is one that a wave names and the list lacks. */
export function assignWaves(orgIds: readonly OrgId[], waves: readonly FleetWave[]): readonly WaveMember[] {
  const left = new Set(orgIds);
  const members: WaveMember[] = [];
  for (const [index, wave] of waves.entries()) {
    for (const orgId of chooseMembers(wave, { left, all: orgIds.length })) {
      left.delete(orgId);
      members.push({ orgId, wave: index });
    }
  }
  return members;
}

function chooseMembers(wave: FleetWave, { left, all }: { left: ReadonlySet<OrgId>; all: number }): readonly OrgId[] {
  if ('organizations' in wave) return [...new Set(wave.organizations)].filter((orgId) => left.has(orgId));
  const assigned = all - left.size;
  const wanted = 'count' in wave ? wave.count : Math.ceil((all * wave.percent) / 100) - assigned;
  return [...left].slice(0, Math.max(wanted, 0));
}
