import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { findOrganizationByName, inAllOrganizations, type OrganizationRow } from '@mad/core';
import {
  createResultsDatabases,
  drainWarmPool,
  fillWarmPool,
  findCaller,
  findOrphans,
  OrganizationBusyError,
  provisionOrganization,
  takeBackOrganization,
} from '@mad/tenancy';
import { runUntilDeath } from '../../run-until-death.ts';
import type { DeathCell } from './death-cells.ts';
import type { ProvisioningPlatform } from './provisioning-platform.ts';
import type { ProvisioningProcess } from './provisioning-process.ts';

const SCRIPT = new URL('provisioning-process.ts', import.meta.url);
const DIES_WITHIN_MS = 60_000;
/** In which a server notices that a process is gone. */
const HELD_AT_MOST_MS = 20_000;

/** Kills one provisioning and lets the next call end it. Returns what is wrong then. */
export async function runDeathCell(platform: ProvisioningPlatform, cell: DeathCell): Promise<readonly string[]> {
  const { metadataUrl, clusterUrl } = platform;
  const { placement, warm, death, end } = cell;
  const name = `org-${randomUUID()}`;
  const email = `${name}@example.org`;
  if (warm) await fillWarmPool(platform, { cluster: 'main', size: 1 });
  else await drainWarmPool(platform, { cluster: 'main', all: true });
  const told: ProvisioningProcess = { metadataUrl, clusterUrl, name, placement, email, death };
  const faults: string[] = [];
  if (!(await runUntilDeath({ script: SCRIPT, told, withinMs: DIES_WITHIN_MS }))) faults.push('it did not die');
  const half = await findByName(platform, name);
  if (half && half.status !== 'active' && (await answers(platform, half.org_id))) faults.push('half, it answers');

  const isTakenBack = end === 'take back' && half !== undefined && half.status !== 'active';
  if (isTakenBack) {
    await untilFree(() => takeBackOrganization(platform, { orgId: half.org_id }));
    if (await findByName(platform, name)) faults.push('taken back, it is there');
  } else {
    const request = { name, placement, cluster: 'main', admin: { email } };
    const { orgId, adminUserId } = await untilFree(() => provisionOrganization(platform, request));
    if (half && half.org_id !== orgId) faults.push('the next call made another one');
    if (!(await answers(platform, orgId))) faults.push('finished, it does not answer');
    const caller = await findCaller(platform.metadata, { orgId, userId: adminUserId ?? '' });
    if (!caller?.permissions.has('user.create')) faults.push('its administrator may do nothing');
  }
  return [...faults, ...(await listLeft(platform))];
}

const findByName = ({ metadata }: ProvisioningPlatform, name: string): Promise<OrganizationRow | undefined> =>
  inAllOrganizations(metadata, (tx) => findOrganizationByName(tx, { name }));

async function answers(platform: ProvisioningPlatform, orgId: string): Promise<boolean> {
  await using databases = createResultsDatabases(platform);
  return await databases.get(orgId).then(
    async (results) => (await results.selectFrom('jobs').select('job_id').execute()).length === 0,
    () => false,
  );
}

/** Again while the server still holds what the killed process held. */
async function untilFree<T>(call: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + HELD_AT_MOST_MS;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof OrganizationBusyError) || performance.now() > deadline) throw error;
      await sleep(50);
    }
  }
}

/** What nobody will ever use, and rows whose database is gone. A draft of the template is replaced by whoever makes the template. */
export async function listLeft(platform: ProvisioningPlatform): Promise<readonly string[]> {
  const orphans = await findOrphans(platform);
  return orphans.filter(({ kind }) => kind !== 'draft_left').map(({ kind, name }) => `${kind} ${name}`);
}
