/** What a command may touch of the process that runs it. */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Takes the answer: text for people, one JSON object with `--json`, SQL with `--dry-run`. */
  readonly out: (text: string) => unknown;
  /** Takes everything else. */
  readonly err: (text: string) => unknown;
  /** Colors may be used. @default false */
  readonly outIsTerminal?: boolean | undefined;
  /** A line may be written over. @default false */
  readonly errIsTerminal?: boolean | undefined;
  /** Asks a person and resolves to the line they type; absent where nobody sits. */
  readonly ask?: ((question: string) => Promise<string>) | undefined;
  /** Asks a person for a secret, which is not shown while they type it; absent where nobody sits. */
  readonly askSecret?: ((question: string) => Promise<string>) | undefined;
  /** All that comes on standard input. @default nothing */
  readonly readInput?: (() => Promise<string>) | undefined;
}
