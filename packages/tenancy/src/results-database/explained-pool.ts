import type { PostgresPool, PostgresPoolClient } from 'kysely';

/** Hands out the pool's connections; what a statement or a connection fails with is what `explain` makes of it. */
export function explainedPool(pool: PostgresPool, explain: (error: unknown) => Promise<unknown>): PostgresPool {
  const loans = new WeakMap<PostgresPoolClient, PostgresPoolClient>();
  const refuse = async (error: unknown) => {
    throw await explain(error);
  };
  const explained = (loan: PostgresPoolClient): PostgresPoolClient => ({
    // Cursors, the other overload, are not passed by the router.
    query: ((text: string, parameters: readonly unknown[]) =>
      loan.query(text, parameters).catch(refuse)) as unknown as PostgresPoolClient['query'],
    release: (destroy) => loan.release(destroy),
  });
  return {
    ...pool,
    async connect() {
      const loan = await pool.connect().catch(refuse);
      const known = loans.get(loan) ?? explained(loan);
      loans.set(loan, known);
      return known;
    },
  };
}
