import { setTimeout as sleep } from 'node:timers/promises';
import {
  ActorUnknownError,
  ConflictError,
  checkRequest,
  findUser,
  inAllOrganizations,
  type Logger,
  migrationState,
  type OrgId,
  type Placement,
  resultsTrack,
  silentLogger,
} from '@mad/core';
import { z } from 'zod';
import { MoveFailedError, OrganizationStateError, PlacementUnsupportedError, PlaceNotOurOwnError } from '../errors.ts';
import { type Clusters, getCluster } from '../results-database/cluster.ts';
import { comparePlaces, copyPlace, type OpenPlace } from '../results-database/copy-place.ts';
import { checkPlaceIsOwn, dropOwnPlace, inPlace, placeExists } from '../results-database/drop-own-place.ts';
import { migratePlace } from '../results-database/ensure-results-database.ts';
import { fenceWrites, liftFence, readFence } from '../results-database/fence-writes.ts';
import { dropDraft, makeFencedPlace } from '../results-database/make-fenced-place.ts';
import { reasonOf } from '../results-database/reason-of.ts';
import { placeResultsDatabase, type ResultsDatabasePlace } from '../results-database/results-database-place.ts';
import { checkPortable } from './check-portable.ts';
import { holdAlone, type OrganizationHold } from './hold-organization.ts';
import {
  beginMove,
  endMove,
  findMove,
  isSame,
  lockUnderWay,
  type RecordedMove,
  switchPlace,
  turnBack,
} from './move-record.ts';
import { type OrganizationContext, operatorRequest } from './organization-context.ts';

/** What a move does after it is recorded, in this order. */
export type MoveStep = 'prepare' | 'fence' | 'copy' | 'verify' | 'switch' | 'drop' | 'end';

/** What a move works with. */
export interface MoveContext extends OrganizationContext {
  /** Called before each step; what it throws stops the move there. */
  readonly onStep?: ((step: MoveStep) => void | Promise<void>) | undefined;
}

/** Where an organization is to go. */
export interface MoveOrganization {
  readonly orgId: OrgId;
  readonly to: { readonly placement: Placement; readonly cluster: string };
  /** The user who asked for it; null for a program. */
  readonly actor: string | null;
  /** How long the place left behind stays after the switch, so that routers of other processes have looked again. @default 10_000 */
  readonly dropAfterMs?: number | undefined;
}

/** An organization that was moved, or was there already. */
export interface MovedOrganization {
  readonly orgId: OrgId;
  readonly placement: Placement;
  readonly cluster: string;
  /** Rows of each table that were copied and compared; empty where this call had nothing to copy. */
  readonly rows: Readonly<Record<string, number>>;
}

const requestSchema = z.strictObject({
  ...operatorRequest,
  to: z.strictObject({ placement: z.enum(['database', 'schema']), cluster: z.string().min(1).max(200) }),
  dropAfterMs: z.number().int().min(0).max(3_600_000).optional(),
});

/**
 * Moves an organization's Results DB to another placement or cluster. Writes to the old place are refused by its database itself, so that nothing is lost,
 * while every row and counter is copied and compared by count and SHA-256; then one transaction switches, and only then is the old place
 * dropped. Meanwhile routers refuse the organization with `OrganizationInactiveError`, status `moving`; handles of before read on and cannot write.
 * Jobs that ran are taken up by their executors behind their last commit, jobs that wait go on waiting.
 *
 * Killed anywhere, the same call goes on. Before the switch a failed move is taken back: the new place is dropped and the organization serves from the
 * old one. It holds the organization to its end, `dropAfterMs` included: of two calls at once one is refused.
 * @throws {OrganizationBusyError} while another call moves, offboards, restores or reactivates it.
 * @throws {MoveFailedError} @throws {OrganizationStateError} @throws {ConflictError} when something lies in the new place already.
 * @throws {ValidationFailedError} @throws {NotFoundError} @throws {ClusterUnknownError} @throws {PlacementUnsupportedError}
 * @throws {ActorUnknownError} @throws {ResultsDatabaseUnreachableError}
 * @throws {PlaceNotOurOwnError} when the Results DB has a name that this library did not give it.
 * @throws {ResultsDatabaseExtendedError} before anything begins.
 */
export async function moveOrganization(context: MoveContext, request: MoveOrganization): Promise<MovedOrganization> {
  checkRequest(requestSchema, { subject: 'move', value: request });
  const { actor, dropAfterMs = 10_000 } = request;
  const orgId = request.orgId.toLowerCase();
  const { clusters, metadata } = context;
  if (getCluster(clusters, request.to.cluster).kind === 'pglite' && request.to.placement !== 'schema')
    throw new PlacementUnsupportedError(request.to);
  const to = placeResultsDatabase({ orgId, ...request.to });
  const around = { clusters, logger: context.logger ?? silentLogger };

  // Whatever becomes of the move is noted in the audit trail: a name that it refuses would stop the taking back.
  if (actor !== null && !(await inAllOrganizations(metadata, (tx) => findUser(tx, { userId: actor }))))
    throw new ActorUnknownError({ actor });
  await using hold = await holdAlone(context, { orgId, cluster: to.cluster });
  const carrying = { context, around, hold, actor };
  const left = await findMove(metadata, orgId);
  const isOver = left.move !== undefined && left.move.transition !== 'move';
  if (left.move && isOver) await finishMove({ ...carrying, move: left.move, dropAfterMs: 0 });
  const { here, move: found } = isOver ? await findMove(metadata, orgId) : left;
  if (found && !isSame(found.to, to)) {
    const { placement, cluster } = found.to;
    const hint = `another call was bringing it to placement ${placement} on cluster ${cluster}: move it there first`;
    throw new OrganizationStateError({ orgId, state: 'moving', hint });
  }
  if (!found && !isSame(here, to)) await checkMovable({ here, to }, around);
  const move = found ?? (await beginMove(metadata, { to, actor }));
  const rows = move ? await carryOver({ ...carrying, move, dropAfterMs }) : {};
  return { orgId, ...request.to, rows };
}

/** Looked at before anything is recorded: what lies in the new place now is not of this move, and is not dropped with it. */
async function checkMovable(
  { here, to }: { readonly here: ResultsDatabasePlace; readonly to: ResultsDatabasePlace },
  around: Around,
): Promise<void> {
  checkPlaceIsOwn(here);
  if (await placeExists(to, around)) {
    const hint = 'look what lies there, and drop it or choose another place';
    throw new ConflictError({ entity: 'Results DB', id: `${to.database ?? to.schema} on ${to.cluster}`, hint });
  }
  await checkPortable(here, around);
}

interface Around {
  readonly clusters: Clusters;
  readonly logger: Logger;
}

interface Carried {
  readonly context: MoveContext;
  readonly around: Around;
  readonly hold: OrganizationHold;
  readonly actor: string | null;
  readonly move: RecordedMove;
  readonly dropAfterMs: number;
}

async function carryOver(carried: Carried): Promise<Readonly<Record<string, number>>> {
  const { context, around, hold, move } = carried;
  const { from, to } = move;
  let rows: Readonly<Record<string, number>> = {};
  const steps: Readonly<Partial<Record<MoveStep, () => Promise<unknown>>>> = {
    prepare: () => prepare(move, around),
    fence: () =>
      inPlace(from, around, (db) =>
        fenceWrites(db, { schema: from.schema, by: move.moveId, check: () => hold.check() }),
      ),
    copy: () => inBoth(move, around, copyPlace),
    verify: async () => {
      rows = await inBoth(move, around, comparePlaces);
    },
    switch: async () => {
      const version = (await readVersion(to, around)).applied.at(-1) ?? null;
      const meanwhile = () => switchOver(carried, version);
      // Who is led to the new place waits for the fence to go instead of meeting it. On PGlite there may be one session for both.
      if (getCluster(around.clusters, to.cluster).kind === 'pglite') await meanwhile();
      else await inPlace(to, around, (db) => liftFence(db, { schema: to.schema, by: move.moveId, meanwhile }));
    },
  };
  for (const [step, run] of Object.entries(steps) as [MoveStep, () => Promise<unknown>][]) {
    try {
      await context.onStep?.(step);
      await hold.check();
      await run();
    } catch (cause) {
      const serves = await takeBack(carried);
      throw new MoveFailedError({ orgId: to.orgId, step, serves, cause });
    }
  }
  around.logger.info({ orgId: to.orgId, placement: to.placement, cluster: to.cluster }, 'organization moved');
  await finishMove({ ...carried, move: { ...move, transition: 'move_drop' } });
  return rows;
}

async function switchOver({ context, hold, actor, move }: Carried, version: string | null): Promise<void> {
  await hold.check();
  if (await switchPlace(context.metadata, move, { actor, version })) return;
  const hint = 'another call has ended this move: look where it is';
  throw new OrganizationStateError({ orgId: move.to.orgId, state: 'elsewhere', hint });
}

async function prepare({ from, to, moveId }: RecordedMove, around: Around): Promise<void> {
  if ((await inPlace(from, around, (db) => readFence(db, from.schema))) !== moveId) await migratePlace(from, around);
  else await checkNewest(from, around);
  if (!(await placeExists(to, around))) return makeFencedPlace(to, { ...around, by: moveId });
  // Made by a call before this one: what is in it was copied by this move, nobody else can have written there.
  if ((await inPlace(to, around, (db) => readFence(db, to.schema))) !== moveId)
    throw new PlaceNotOurOwnError({ orgId: to.orgId, cluster: to.cluster, name: to.database ?? to.schema });
  await checkNewest(to, around);
}

/** Rows would be copied as they are into tables that count as migrated. */
async function checkNewest(place: ResultsDatabasePlace, around: Around): Promise<void> {
  if ((await readVersion(place, around)).pending.length === 0) return;
  const hint = 'a program of an older version began this move: it is taken back, move it again';
  throw new OrganizationStateError({ orgId: place.orgId, state: 'fenced at an older version', hint });
}

const readVersion = (place: ResultsDatabasePlace, around: Around) =>
  inPlace(place, around, (db) => migrationState(db, { track: resultsTrack, schema: place.schema }));

function inBoth<T>(
  { from, to }: RecordedMove,
  around: Around,
  run: (from: OpenPlace, to: OpenPlace) => Promise<T>,
): Promise<T> {
  return inPlace(from, around, (source) =>
    inPlace(to, around, (target) => run({ db: source, schema: from.schema }, { db: target, schema: to.schema })),
  );
}

/** Ends a move that did not come to its switch; says where the organization is then. */
async function takeBack(carried: Carried): Promise<string> {
  const { context, around, hold, actor, move } = carried;
  try {
    await hold.check();
    if (!(await turnBack(context.metadata, move, actor))) return 'another call has ended this move';
    await finishMove({ ...carried, move: { ...move, transition: 'move_back' } });
    return 'the organization serves from its old place';
  } catch (error) {
    around.logger.error({ orgId: move.to.orgId, reason: reasonOf(error) }, 'a failed move could not be taken back');
    return 'the organization answers nothing until then, because the move could not be taken back';
  }
}

/** What is left to do after a move has switched, or was given up: both can be done twice. */
async function finishMove(carried: Carried): Promise<void> {
  const { context, around, hold, move, dropAfterMs } = carried;
  const { from, to, moveId } = move;
  const { orgId } = to;
  if (move.transition === 'move_back') {
    await dropNewPlace(carried);
    await hold.check();
    await inPlace(from, around, (db) => liftFence(db, { schema: from.schema, by: moveId }));
    return endMove(context.metadata, move);
  }
  const attempt = async (step: MoveStep, run: () => Promise<unknown>) => {
    try {
      await run();
    } catch (cause) {
      throw new MoveFailedError({ orgId, step, serves: 'the organization serves from its new place', cause });
    }
  };
  await attempt('drop', async () => {
    await hold.check();
    await inPlace(to, around, (db) => liftFence(db, { schema: to.schema, by: moveId }));
    await context.onStep?.('drop');
    await sleep(dropAfterMs);
    await dropOwnPlace(from, around, { fencedBy: moveId, check: () => checkOurs(carried) });
  });
  await attempt('end', async () => {
    await context.onStep?.('end');
    await endMove(context.metadata, move);
  });
}

/** @throws {OrganizationHoldLostError} @throws {OrganizationStateError} when another call may have ended the move, or has. */
async function checkOurs({ context, hold, move: { moveId, transition, to } }: Carried): Promise<void> {
  await hold.check();
  await inAllOrganizations(context.metadata, (tx) =>
    lockUnderWay(tx, { orgId: to.orgId, transition, transitionId: moveId }),
  );
}

/** What this move has not made stays where it is. */
async function dropNewPlace(carried: Carried): Promise<void> {
  const { around, move } = carried;
  const { to, moveId } = move;
  const check = () => checkOurs(carried);
  await dropDraft(to, { ...around, check });
  try {
    await dropOwnPlace(to, around, { fencedBy: moveId, check });
  } catch (error) {
    if (!(error instanceof PlaceNotOurOwnError)) throw error;
    around.logger.warn(
      { orgId: to.orgId, reason: reasonOf(error) },
      'what lies in the new place is not of this move and stays',
    );
  }
}
