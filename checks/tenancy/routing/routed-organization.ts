import type { OrgId, Placement } from '@mad/core';
import type { Clusters } from '@mad/tenancy';

export interface RoutedOrganization {
  readonly orgId: OrgId;
  readonly placement: Placement;
}

/** The server as the one cluster; its connections are told from others by their name. */
export function clustersOf(serverUrl: string): Clusters {
  const connect = (database = 'postgres') => {
    const url = new URL(serverUrl);
    url.pathname = `/${database}`;
    return { connectionString: url.href, application_name: 'mad routing' };
  };
  return { main: { kind: 'postgres', connect } };
}
