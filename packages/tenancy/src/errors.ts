import { findSqlState, isMadError, MadError } from '@mad/core';

/** Thrown when an organization or one of its databases names a cluster that the host did not pass. Pass it under that name. */
export class ClusterUnknownError extends MadError {
  static override readonly code = 'MAD_TENANCY_CLUSTER_UNKNOWN';
  constructor({ cluster, known }: { cluster: string; known: readonly string[] }) {
    super({
      message: `no cluster named ${cluster} was passed, only ${known.join(', ') || 'none'}; pass its connection under that name`,
      details: { cluster, known },
    });
  }
}

/** Thrown when a cluster cannot hold a database of this placement: PGlite has one database, so its organizations are schemas. */
export class PlacementUnsupportedError extends MadError {
  static override readonly code = 'MAD_TENANCY_PLACEMENT_UNSUPPORTED';
  constructor({ cluster, placement }: { cluster: string; placement: string }) {
    super({
      message: `cluster ${cluster} is PGlite and cannot hold an organization by placement ${placement}; use placement schema, or a PostgreSQL cluster`,
      details: { cluster, placement },
    });
  }
}

/** Thrown when a connection to a Results DB could not be opened. The same call may succeed once the server answers again. */
export class ResultsDatabaseUnreachableError extends MadError {
  static override readonly code = 'MAD_TENANCY_RESULTS_DATABASE_UNREACHABLE';
  static override readonly retryable = true;
  constructor({
    cluster,
    database,
    reason,
    cause,
  }: { cluster: string; database: string | undefined; reason: string; cause: unknown }) {
    super({
      message: `no connection to ${database ?? 'the default database'} on cluster ${cluster} (${reason}); check that the server runs and that the host resolves the cluster`,
      details: { cluster, database, reason },
      cause,
    });
  }
}

/** Thrown when every connection of the budget stayed lent for the whole waiting time. Raise `maxConnections`, or find who holds them. */
export class ConnectionsBusyError extends MadError {
  static override readonly code = 'MAD_TENANCY_CONNECTIONS_BUSY';
  static override readonly retryable = true;
  constructor({ waitedMs, maxConnections }: { waitedMs: number; maxConnections: number }) {
    super({
      message: `all ${maxConnections} connections to Results DBs stayed in use for ${waitedMs} ms; raise maxConnections, or look for transactions that stay open`,
      details: { waitedMs, maxConnections },
    });
  }
}

/** Thrown by a query on a Results DB after the router it came from was disposed. */
export class ResultsDatabasesClosedError extends MadError {
  static override readonly code = 'MAD_TENANCY_RESULTS_DATABASES_CLOSED';
  constructor() {
    super({ message: 'this Results DB belongs to a router that was disposed; get it from one that is open' });
  }
}

/**
 * Thrown when an organization is made, moved, offboarded, restored or taken back while another call does one of these to it. The same call may succeed once
 * the other one has ended.
 */
export class OrganizationBusyError extends MadError {
  static override readonly code = 'MAD_TENANCY_ORGANIZATION_BUSY';
  static override readonly retryable = true;
  constructor({ orgId, by }: { orgId: string; by: string }) {
    super({
      message: `organization ${orgId} is held by ${by} at this moment; call again once that has ended`,
      details: { orgId, by },
    });
  }
}

/**
 * Thrown when a call that changes an organization's life was cut off from a cluster, so that another call may be at work on it by now. It has touched nothing
 * since; the same call again goes on.
 */
export class OrganizationHoldLostError extends MadError {
  static override readonly code = 'MAD_TENANCY_ORGANIZATION_HOLD_LOST';
  static override readonly retryable = true;
  constructor({ orgId, cluster, cause }: { orgId: string; cluster: string; cause: unknown }) {
    super({
      message: `the connection to cluster ${cluster} by which organization ${orgId} was held is gone, so another call may be at work on it; nothing was touched since, call again`,
      details: { orgId, cluster },
      cause,
    });
  }
}

/** Thrown when a disabled user acts. */
export class UserDisabledError extends MadError {
  static override readonly code = 'MAD_TENANCY_USER_DISABLED';
  constructor({ userId }: { userId: string }) {
    super({
      message: `user ${userId} is disabled; the operator of the platform can enable the account`,
      details: { userId },
    });
  }
}

/** Thrown when a step of provisioning fails; the message says why where this library or the database refused. What was done stays recorded; the same call again goes on from there. */
export class ProvisioningFailedError extends MadError {
  static override readonly code = 'MAD_TENANCY_PROVISIONING_FAILED';
  static override readonly retryable = true;
  constructor({ orgId, step, cause }: { orgId: string; step: string; cause: unknown }) {
    // Any other message may hold whatever a host's own function was called with: a connection string, a password.
    const isTold = cause instanceof Error && (isMadError(cause) || findSqlState(cause) !== undefined);
    const reason = isTold ? `: ${cause.message}` : '';
    super({
      message: `provisioning of organization ${orgId} stopped at step ${step}${reason}; call it again with the same name to go on`,
      details: { orgId, step },
      cause,
    });
  }
}

/** Thrown when an organization is in a state in which this cannot be done to it; the message says what can. */
export class OrganizationStateError extends MadError {
  static override readonly code = 'MAD_TENANCY_ORGANIZATION_STATE';
  constructor({ orgId, state, hint }: { orgId: string; state: string; hint: string }) {
    super({ message: `organization ${orgId} is ${state}; ${hint}`, details: { orgId, state } });
  }
}

/** Thrown instead of dropping or moving a database that this library did not name for the organization, or that is not what the call takes it for. Nothing was dropped. */
export class PlaceNotOurOwnError extends MadError {
  static override readonly code = 'MAD_TENANCY_PLACE_NOT_OUR_OWN';
  constructor({ orgId, cluster, name }: { orgId: string; cluster: string; name: string }) {
    super({
      message: `${name} on cluster ${cluster} is not a place made for organization ${orgId} in this state, so it is not dropped; look what lies there and move or drop it by hand`,
      details: { orgId, cluster, name },
    });
  }
}

/** Thrown when two Results DBs that should be equal are not; the tables are named. */
export class TablesDifferError extends MadError {
  static override readonly code = 'MAD_TENANCY_TABLES_DIFFER';
  constructor({ tables }: { tables: readonly string[] }) {
    super({
      message: `the tables ${tables.join(', ')} are not the same in both Results DBs; migrate both to one version, and keep tables of your own in another schema`,
      details: { tables },
    });
  }
}

/** Thrown when a step of a move fails. Before the switch the organization is back where it was, after it it serves from the new place; the same call again goes on. */
export class MoveFailedError extends MadError {
  static override readonly code = 'MAD_TENANCY_MOVE_FAILED';
  static override readonly retryable = true;
  constructor({ orgId, step, serves, cause }: { orgId: string; step: string; serves: string; cause: unknown }) {
    super({
      message: `the move of organization ${orgId} stopped at step ${step}${tell(cause)}; ${serves}; call it again to go on`,
      details: { orgId, step },
      cause,
    });
  }
}

/** Thrown when a step of offboarding fails. What was done stays done; the same call again goes on from there. */
export class OffboardingFailedError extends MadError {
  static override readonly code = 'MAD_TENANCY_OFFBOARDING_FAILED';
  static override readonly retryable = true;
  constructor({ orgId, step, cause }: { orgId: string; step: string; cause: unknown }) {
    super({
      message: `the offboarding of organization ${orgId} stopped at step ${step}${tell(cause)}; call it again to go on`,
      details: { orgId, step },
      cause,
    });
  }
}

/**
 * Thrown before an organization is moved or exported whose Results DB holds migrations or tables that are not this library's: nobody could restore or compare
 * them. Nothing was begun. Keep tables of your own in a database of their own.
 */
export class ResultsDatabaseExtendedError extends MadError {
  static override readonly code = 'MAD_TENANCY_RESULTS_DATABASE_EXTENDED';
  constructor({
    orgId,
    migrations,
    tables,
  }: { orgId: string; migrations: readonly string[]; tables: readonly string[] }) {
    const found = [
      ...(migrations.length === 0 ? [] : [`the migrations ${migrations.slice(0, 5).join(', ')}`]),
      ...(tables.length === 0 ? [] : [`the tables ${tables.slice(0, 5).join(', ')}`]),
    ];
    super({
      message: `the Results DB of organization ${orgId} has ${found.join(' and ')}, which this version of the library does not know, so it is neither moved nor exported; keep tables of your own in a database of their own and drop them here, or use the version that made them`,
      details: { orgId, migrations: [...migrations], tables: [...tables] },
    });
  }
}

/** Thrown when an archive cannot be written or read where the call says. Give a file in a folder that is there. */
export class ArchivePathError extends MadError {
  static override readonly code = 'MAD_TENANCY_ARCHIVE_PATH';
  constructor({
    path,
    verb,
    reason,
    cause,
  }: { path: string; verb: 'read' | 'written'; reason: string; cause?: unknown }) {
    super({
      message: `the archive ${path} cannot be ${verb}: ${reason}; give a file that can be`,
      details: { path, reason },
      cause,
    });
  }
}

/** Thrown when an archive is not what it says, or holds what is never restored. Nothing of it stays. */
export class ArchiveRefusedError extends MadError {
  static override readonly code = 'MAD_TENANCY_ARCHIVE_REFUSED';
  constructor({ at, reason, cause }: { at: string; reason: string; cause?: unknown }) {
    super({
      message: `the archive is refused at ${at}: ${reason}; nothing of it was restored, export it again`,
      details: { at, reason },
      cause,
    });
  }
}

// Any other message may hold whatever a host's own function was called with: a connection string, a password.
function tell(cause: unknown): string {
  const isTold = cause instanceof Error && (isMadError(cause) || findSqlState(cause) !== undefined);
  return isTold ? `: ${cause.message}` : '';
}
