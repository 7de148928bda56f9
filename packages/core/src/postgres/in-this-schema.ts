/** A statement whose text names the schema it is in: `@schema` becomes the current one, quoted. */
export const inThisSchema = (text: string): string => `DO $do$ BEGIN
  EXECUTE replace($text$${text}$text$, '@schema', quote_ident(current_schema()));
END $do$`;
