/** Names beyond this many are not given: every connection keeps the plan of each statement it has seen. */
const MAX_NAMES = 512;
const names = new Map<string, string>();

/** Marks a statement's text as one that connections prepare once and then only execute. The text comes from code alone: it is kept for ever. */
export function prepared(text: string): string {
  if (!names.has(text) && names.size < MAX_NAMES) names.set(text, `mad_${names.size}`);
  return text;
}

/** The part of pg's client that sends a query. */
export interface QueryClient {
  query(query: { name: string; text: string; values: unknown[] }): Promise<unknown>;
  query(text: string, values: unknown[]): Promise<unknown>;
}

/**
 * Sends a query, by name where its text was marked as `prepared`: parsed and planned once a connection, which is most of the server's work for
 * a wide statement on few rows.
 */
export function sendQuery(client: QueryClient, text: string, values: readonly unknown[]): Promise<unknown> {
  const name = names.get(text);
  return name === undefined ? client.query(text, [...values]) : client.query({ name, text, values: [...values] });
}
