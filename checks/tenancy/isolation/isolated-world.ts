import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createResultCache } from '@mad/cache';
import * as core from '@mad/core';
import { createTaskRunner } from '@mad/tasks';
import { type Clusters, createResultsDatabases } from '@mad/tenancy';
import { createPostgresDatabase } from '@mad/testkit';
import type { Kysely } from 'kysely';
import { startWorkService } from '../../executor/work/work-service.ts';
import type { Attacker } from './calls.ts';
import { type FilledOrganization, fillOrganization } from './fill-organization.ts';
import { type Possessions, readPossessions, secretsOf } from './rows-of.ts';
import { type Stripped, stripOrganizationFilters } from './strip-organization-filters.ts';
import type { Target } from './target.ts';

/** An organization that lost nothing yet. */
export interface Victim {
  readonly target: Target;
  readonly possessions: Possessions;
  /** What nobody else may be told. */
  readonly secrets: ReadonlySet<string>;
}

export interface IsolatedWorld extends AsyncDisposable {
  readonly attacker: Attacker;
  /** Another one like it, with the filters of the repositories taken out. */
  readonly unfiltered: Attacker;
  readonly stripped: Stripped;
  /** An organization that calls everything with what is its own. */
  readonly owner: Attacker;
  readonly victim: Victim;
  /** As the database's superuser. */
  readonly db: Kysely<unknown>;
  readonly url: string;
  /** What was logged since it was asked last. */
  takeLog(): string;
}

/** Four organizations, each with everything, in one placement; what runs for them has stopped. */
export async function openIsolatedWorld(placement: core.Placement): Promise<IsolatedWorld> {
  const stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'mad-isolation-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const service = stack.use(await startWorkService());
  const { db, url } = stack.use(await createPostgresDatabase({ name: 'isolation', fill: core.migrateMetadata }));
  const clusters: Clusters = {
    main: {
      kind: 'postgres',
      connect: (name) => ({ connectionString: name === undefined ? url : url.replace(/mad_test_\w+/, name) }),
    },
  };
  const logged: string[] = [];
  const note = (...given: readonly unknown[]) => void logged.push(JSON.stringify(given));
  const logger: core.Logger = { debug: note, info: note, warn: note, error: note };

  const open = (metadata: core.MetadataDatabase): Attacker['platform'] => {
    const artifacts = core.createLocalArtifactStore({ folder });
    const results = stack.use(createResultsDatabases({ metadata, clusters, logger }));
    const tasks = stack.use(createTaskRunner({ metadata, artifacts, allowedOrigins: [service.url], logger }));
    const cache = stack.use(createResultCache({ artifacts, metadata, logger }));
    return { metadata, results, artifacts, tasks, cache, logger, queue: core.createInProcessQueue({ logger }) };
  };
  const metadata = db as unknown as core.MetadataDatabase;
  const platform = open(metadata);
  const stripped: Stripped = { removed: 0, behindOperator: 0 };
  const strippedPlatform = open(metadata.withPlugin(stripOrganizationFilters(stripped)));

  const places: Place[] = [];
  for (let n = 0; n < 4; n++) places.push(await placeOrganization({ stack, db, url, metadata, placement }));
  const filled: FilledOrganization[] = [];
  const executor = new core.Executor(platform, {});
  executor.start();
  for (const { orgId } of places) filled.push(await fillOrganization({ platform, orgId, serviceUrl: service.url }));
  await executor[Symbol.asyncDispose]();
  await platform.cache.flush();

  const [attacking, attacked, owning, unfiltered] = filled as [
    FilledOrganization,
    FilledOrganization,
    FilledOrganization,
    FilledOrganization,
  ];
  const possessions = filled.map(({ target }, n) => ({
    ...(places[n] as Place),
    ...{ userId: target.userId, metadata: db, folder },
  }));
  const rows = await Promise.all(possessions.map(readPossessions));
  const as = async (on: Attacker['platform'], { caller, target }: FilledOrganization): Promise<Attacker> => ({
    ...{ platform: on, metadata: on.metadata, caller, own: target },
    results: await on.results.get(caller.orgId),
  });
  return {
    attacker: await as(platform, attacking),
    unfiltered: await as(strippedPlatform, unfiltered),
    stripped,
    owner: await as(platform, owning),
    victim: {
      target: attacked.target,
      possessions: possessions[1] as Possessions,
      secrets: new Set([attacked.marker, ...secretsOf(rows[1] ?? [], rows.filter((_, n) => n !== 1).flat())]),
    },
    ...{ db, url },
    takeLog: () => logged.splice(0).join('\n'),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

interface Place {
  readonly orgId: string;
  readonly resultsDb: Kysely<unknown>;
  readonly schema: string;
}

interface PlaceOrganization {
  readonly stack: AsyncDisposableStack;
  readonly db: Kysely<unknown>;
  readonly url: string;
  readonly metadata: core.MetadataDatabase;
  readonly placement: core.Placement;
}

/** Schemas lie in the Metadata DB's own database. */
async function placeOrganization({ stack, db, metadata, placement }: PlaceOrganization): Promise<Place> {
  const orgId = core.newId();
  const schema = placement === 'schema' ? `org_${orgId.replaceAll('-', '')}` : 'public';
  const own = placement === 'schema' ? undefined : stack.use(await createPostgresDatabase());
  const resultsDb = own?.db ?? db;
  await core.migrateResults(resultsDb, { schema, orgId });
  await core.inAllOrganizations(metadata, async (tx) => {
    await core.insertOrganization(tx, { org_id: orgId, name: orgId, status: 'active' });
    await core.insertOrgDatabase(tx, {
      ...{ org_id: orgId, placement, cluster: 'main', schema_name: schema, state: 'ready' },
      database_name: own ? new URL(own.url).pathname.slice(1) : null,
    });
  });
  return { orgId, resultsDb, schema };
}
