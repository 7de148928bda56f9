/** One way to call the service, ready in its own process. */
export interface Caller extends AsyncDisposable {
  /** One call of `dock`, its answer read and parsed. @throws when the answer is not the one that is sent. */
  call(): Promise<unknown>;
}

export interface Contender {
  readonly name: string;
  open(url: string): Promise<Caller>;
}
