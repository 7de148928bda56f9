/** A row of an organization as a caller gives it: the organization comes from the transaction. */
export type OwnedRow<Row> = Omit<Row, 'org_id'>;

/** True when an update names no column: SQL has no form for it, and there is nothing to do. */
export function isEmpty(set: object): boolean {
  return Object.keys(set).length === 0;
}
