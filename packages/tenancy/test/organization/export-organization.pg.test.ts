import { execFileSync } from 'node:child_process';
import { lstat, mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ArtifactStore, OrganizationInactiveError, type Placement } from '@mad/core';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  ArchivePathError,
  type Clusters,
  exportOrganization,
  moveOrganization,
  offboardOrganization,
  provisionOrganization,
  restoreOrganization,
} from '../../src/index.ts';
import { createPostgresPlatform, type PostgresPlatform } from '../create-postgres-platform.ts';
import { createStore } from './archived-organization.ts';

const actor = null;

let folder: string;
let platform: PostgresPlatform & { artifacts: ArtifactStore };
beforeAll(async () => {
  const store = await createStore();
  ({ folder } = store);
  platform = { ...(await createPostgresPlatform()), artifacts: store.artifacts };
});
afterAll(async () => {
  await platform[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const provision = async (name: string, placement: Placement) => {
  const { orgId } = await provisionOrganization(platform, { name, placement, cluster: 'main' });
  return orgId;
};

describe.each<Placement>(['schema', 'database'])('while it is moved away from placement %s', (placement) => {
  // It looks whether the Results DB can be exported, and then reads it.
  test.each([1, 2])('an export that is at its connection %i is refused, and leaves nothing', async (connection) => {
    const orgId = await provision(`Moves meanwhile ${placement} ${connection}`, placement);
    const to = { placement: placement === 'schema' ? 'database' : 'schema', cluster: 'main' } as const;
    const { main } = platform.clusters;
    if (main?.kind !== 'postgres') throw new RangeError('no server');
    let asked = 0;
    const connect = async (database?: string) => {
      if (++asked === connection) await moveOrganization(platform, { orgId, to, actor, dropAfterMs: 0 });
      return main.connect(database);
    };
    const clusters: Clusters = { main: { kind: 'postgres', connect } };
    const before = await readdir(folder);
    const request = { orgId, to: join(folder, 'moved.tar.gz'), actor };
    const error: unknown = await exportOrganization({ ...platform, clusters }, request).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(OrganizationInactiveError);
    expect(error).toMatchObject({ retryable: true, details: { status: 'moved' } });
    expect(await readdir(folder)).toEqual(before);
    expect(await exportOrganization(platform, request)).toMatchObject({ orgId });
    await rm(request.to);
  });
});

test('an organization that comes back to a place is not exported as the place was while it was filled', async () => {
  const orgId = await provision('Comes back', 'schema');
  const move = (placement: Placement, onStep?: (step: string) => Promise<void>) =>
    moveOrganization({ ...platform, onStep }, { orgId, to: { placement, cluster: 'main' }, actor, dropAfterMs: 0 });
  const { main } = platform.clusters;
  if (main?.kind !== 'postgres') throw new RangeError('no server');
  const [isFilled, goesOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let moving: Promise<unknown> = Promise.resolve();
  let asked = 0;
  const connect = async (database?: string) => {
    if (++asked === 2) {
      await move('database');
      moving = move('schema', async (step) => {
        if (step !== 'copy') return;
        isFilled.resolve();
        await goesOn.promise;
      });
      await isFilled.promise;
    }
    return main.connect(database);
  };
  const clusters: Clusters = { main: { kind: 'postgres', connect } };
  const failing = exportOrganization({ ...platform, clusters }, { orgId, to: join(folder, 'back.tar.gz'), actor });
  await expect(failing).rejects.toThrow(OrganizationInactiveError);
  goesOn.resolve();
  await moving;
});

describe('a path', () => {
  let orgId: string;
  beforeAll(async () => {
    orgId = await provision('Exported', 'schema');
  });
  const export_ = (to: string) => exportOrganization(platform, { orgId, to, actor });

  test.each([4_000, 230])('of %i characters is refused', async (length) => {
    const before = await readdir(folder);
    for (const to of [join(folder, 'x'.repeat(length)), join(folder, 'x'.repeat(length), 'a.tar.gz')].slice(
      0,
      length > 255 ? 2 : 1,
    )) {
      await expect(export_(to)).rejects.toThrow(ArchivePathError);
      await expect(export_(to)).rejects.toThrow('its name is too long');
    }
    expect(await readdir(folder)).toEqual(before);
  });

  test('of what is no plain file is refused, and it stays', async () => {
    const own = join(folder, 'special');
    await mkdir(own);
    await writeFile(join(own, 'target'), 'x');
    await symlink(join(own, 'target'), join(own, 'link'));
    await symlink(join(own, 'nowhere'), join(own, 'dangling'));
    execFileSync('mkfifo', [join(own, 'pipe')]);
    const before = await readdir(own);
    for (const name of ['link', 'dangling', 'pipe']) {
      const to = join(own, name);
      const { mode } = await lstat(to);
      await expect(export_(to)).rejects.toThrow(ArchivePathError);
      await expect(offboardOrganization(platform, { orgId, exportTo: to, actor })).rejects.toThrow(ArchivePathError);
      expect((await lstat(to)).mode).toBe(mode);
    }
    expect(await readdir(own)).toEqual(before);
    await expect(export_(join(own, 'target'))).resolves.toMatchObject({ orgId });
  });

  test('of a pipe or a device is not restored from, and nobody waits for it', async () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    for (const from of [pipe, '/dev/zero']) {
      const restoring = restoreOrganization(platform, { from, placement: 'schema', cluster: 'main', actor });
      await expect(restoring).rejects.toThrow(/cannot be read: it is no plain file/);
    }
  });

  test('whose Results DB is not there is told as such', async () => {
    const lost = await provision('Lost', 'schema');
    await sql`drop schema ${sql.id(`mad_results_${lost.replaceAll('-', '')}`)} cascade`.execute(platform.metadata);
    const failing = exportOrganization(platform, { orgId: lost, to: join(folder, 'lost.tar.gz'), actor });
    await expect(failing).rejects.toMatchObject({ code: 'MAD_CORE_RESULTS_DATABASE_MISMATCH' });
  });
});
