export interface Trigger {
  /** Name of the function and of every trigger that calls it. */
  readonly name: string;
  /** PL/pgSQL between BEGIN and END; must return. */
  readonly body: string;
  /** Event, table and form of each trigger: `BEFORE UPDATE ON users FOR EACH ROW`. */
  readonly on: readonly string[];
}

/** The function and its triggers. The search path of the migration stays with the function: a caller's own cannot lead it elsewhere. */
export function triggerStatements({ name, body, on }: Trigger): string[] {
  return [
    `CREATE FUNCTION ${name}() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $function$\nBEGIN\n${body}\nEND $function$`,
    ...on.map((form) => `CREATE TRIGGER ${name} ${form} EXECUTE FUNCTION ${name}()`),
  ];
}

/** Ends the statement with SQLSTATE 23514 under this constraint's name: callers tell refusals apart without reading text. */
export function refuse(constraint: string, message: string): string {
  return `RAISE EXCEPTION USING ERRCODE = 'check_violation', CONSTRAINT = '${constraint}', MESSAGE = '${message}';`;
}
