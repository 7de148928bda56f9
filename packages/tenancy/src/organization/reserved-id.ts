const RESERVED = /^(0{32}|f{32})$/i;

/**
 * Whether a database reads the nil or the largest uuid in it, in whatever form: the one names no row and the platform's own audit trail, the other is
 * where every list ends. Nothing has such an id.
 */
export function isReservedId(value: unknown): boolean {
  return typeof value === 'string' && value.length <= 64 && RESERVED.test(value.replace(/[-{}]/g, ''));
}
