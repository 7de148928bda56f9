/** The part of pino's logger that this library calls; pass a pino instance, or any object of this shape. */
export interface Logger {
  debug(facts: object, message: string): void;
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

/** Logs nothing. The default wherever a logger may be passed. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} };
