import type { ArtifactReference, JsonObject, JsonValue } from '@mad/core';
import type { HttpMethod } from '../../openapi/api-operation.ts';

// What operation-interface.ts and read-answer.ts do with a document, said again of the types that openapi-typescript 7 makes of it.

/** `post /dock` for each operation of `paths`, and each operationId of `operations`. */
export type OperationName<Paths, Operations> =
  | { [Path in keyof Paths & string]: `${MethodOf<Paths[Path]>} ${Path}` }[keyof Paths & string]
  | (keyof Operations & string);

type MethodOf<Item> = {
  [Method in HttpMethod & keyof Item]-?: [NonNullable<Item[Method]>] extends [never] ? never : Method;
}[HttpMethod & keyof Item];

/** The operation of a name. */
export type OperationAt<Paths, Operations, Name> = Name extends keyof Operations
  ? Operations[Name]
  : Name extends `${infer Method} ${infer Path}`
    ? Path extends keyof Paths
      ? Method extends keyof Paths[Path]
        ? NonNullable<Paths[Path][Method]>
        : never
      : never
    : never;

// Requests.

/** What a caller gives: the body where that is all, else each parameter by its name, and the body as `body`. */
export type RequestOf<Operation> = [BodyOnly<Operation>] extends [never]
  ? Flat<ParametersOf<Operation> & BodyMember<Operation>>
  : BodyOnly<Operation>;

type Flat<T> = { [Key in keyof T]: T[Key] };

type Nothing = Record<never, never>;

type Place = 'path' | 'query' | 'header' | 'cookie';

type Given<Operation, In extends Place> = Operation extends { parameters: infer Parameters }
  ? In extends keyof Parameters
    ? [NonNullable<Parameters[In]>] extends [never]
      ? Nothing
      : In extends 'header'
        ? WithoutOurs<NonNullable<Parameters[In]>>
        : NonNullable<Parameters[In]>
    : Nothing
  : Nothing;

/** Header parameters that no caller gives. */
type OurHeader =
  | 'accept'
  | 'content-type'
  | 'authorization'
  | 'idempotency-key'
  | 'host'
  | 'content-length'
  | 'transfer-encoding'
  | 'connection'
  | 'keep-alive'
  | 'expect'
  | 'upgrade'
  | 'te'
  | 'trailer'
  | 'cookie';

type WithoutOurs<Headers> = {
  [Name in keyof Headers as Lowercase<Name & string> extends OurHeader ? never : Name]: Headers[Name];
};

type NamesIn<Operation, In extends Place> = In extends Place ? keyof Given<Operation, In> : never;

type ParametersOf<Operation> = Keyed<Operation, 'path'> &
  Keyed<Operation, 'query'> &
  Keyed<Operation, 'header'> &
  Keyed<Operation, 'cookie'>;

/** By name; as `query.name` where another has it too, or it is `body` and there is one. */
type Keyed<Operation, In extends Place> = {
  [Name in keyof Given<Operation, In> as Name extends TakenBeside<Operation, In>
    ? `${In}.${Name & string}`
    : Name]: Sent<Given<Operation, In>[Name]>;
};

type TakenBeside<Operation, In extends Place> =
  | NamesIn<Operation, Exclude<Place, In>>
  | ([ContentsOf<Operation>] extends [never] ? never : 'body');

type ContentsOf<Operation> = Operation extends { requestBody?: infer Body }
  ? [NonNullable<Body>] extends [never]
    ? never
    : NonNullable<Body> extends { content: infer Contents }
      ? Contents
      : never
  : never;

/** The media type that is sent: JSON before forms, forms before anything else. */
type ChosenOf<Contents> = [JsonIn<Contents>] extends [never]
  ? 'multipart/form-data' extends keyof Contents
    ? 'multipart/form-data'
    : 'application/x-www-form-urlencoded' extends keyof Contents
      ? 'application/x-www-form-urlencoded'
      : keyof Contents
  : JsonIn<Contents>;

type JsonIn<Contents> = {
  [Key in keyof Contents]: MediaTypeOf<Key> extends JsonMediaType ? Key : never;
}[keyof Contents];

type JsonMediaType = 'application/json' | `application/${string}+json`;
type FormMediaType = 'multipart/form-data' | 'application/x-www-form-urlencoded';

/** As declared, without its parameters. */
type MediaTypeOf<Key> = Key extends `${infer Bare};${string}` ? TrimEnd<Lowercase<Bare>> : Lowercase<Key & string>;
type TrimEnd<Text extends string> = Text extends `${infer Start} ` ? TrimEnd<Start> : Text;

type BodyOnly<Operation> = [keyof ParametersOf<Operation>] extends [never]
  ? MediaTypeOf<ChosenOf<ContentsOf<Operation>>> extends JsonMediaType | FormMediaType
    ? ObjectIn<ContentsOf<Operation>[ChosenOf<ContentsOf<Operation>>]>
    : never
  : never;

/** What of a body can be the request as it is. */
type ObjectIn<Body> = unknown extends Body
  ? JsonObject
  : Sent<Exclude<Body, string | number | boolean | null | undefined | readonly unknown[]>>;

type BodyMember<Operation> = [ContentsOf<Operation>] extends [never]
  ? Nothing
  : Operation extends { requestBody: unknown }
    ? { body: BodySent<ContentsOf<Operation>> }
    : { body?: BodySent<ContentsOf<Operation>> };

type BodySent<Contents> = {
  [Key in ChosenOf<Contents>]: MediaTypeOf<Key> extends JsonMediaType | FormMediaType
    ? Sent<Contents[Key & keyof Contents]>
    : MediaTypeOf<Key> extends `text/${string}`
      ? string
      : string | ArtifactReference;
}[ChosenOf<Contents>];

/**
 * A value as it is sent: any text may be an artifact reference, for the types do not tell which of them are files. Without what `--read-write-markers`
 * marks as read-only.
 */
export type Sent<T> = T extends { readonly $write: infer Inner }
  ? Sent<Inner>
  : T extends { readonly $read: unknown }
    ? never
    : string extends T
      ? T | ArtifactReference
      : T extends readonly unknown[]
        ? { [Index in keyof T]: Sent<T[Index]> }
        : T extends object
          ? { [Key in keyof T as NonNullable<T[Key]> extends { readonly $read: unknown } ? never : Key]: Sent<T[Key]> }
          : T;

// Answers.

/** An answer of one status and media type. */
export interface TypedAnswer<Status, MediaType, Body> {
  readonly status: Status;
  /** As declared; undefined without a body. */
  readonly mediaType: MediaType;
  /** JSON, text, or the bytes of a file; undefined without a body. */
  readonly body: Body;
  header(name: string): string | undefined;
}

/** What an operation may answer, one member for each status and media type it declares. */
export type AnswerOf<Operation> = Operation extends { responses: infer Responses }
  ? { [Key in keyof Responses]: AnswersOf<StatusesOf<Key, keyof Responses>, Responses[Key]> }[keyof Responses]
  : never;

type AnswersOf<Status, Response> = Response extends { content: infer Contents extends object }
  ? {
      [Key in keyof Contents]: TypedAnswer<Status, MediaTypeOf<Key>, BodyReceived<MediaTypeOf<Key>, Contents[Key]>>;
    }[keyof Contents]
  : TypedAnswer<Status, undefined, undefined>;

type Digit = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9;
type ToNumber<Text extends string> = Text extends `${infer Value extends number}` ? Value : never;
type Status = ToNumber<`${1 | 2 | 3 | 4 | 5}${Digit}${Digit}`>;
type StatusOfClass<Key> = Key extends `${infer Class}XX` ? ToNumber<`${Class}${Digit}${Digit}`> : never;

/** Those that a key of the responses stands for: an exact one goes before its class, that before the default. */
type StatusesOf<Key, All> = Key extends number
  ? Key
  : Key extends 'default'
    ? Exclude<Status, All | StatusOfClass<All>>
    : Exclude<StatusOfClass<Key>, All>;

/** What a service may answer under `image/*` and the like shows in its header. */
type BodyReceived<MediaType, Body> = MediaType extends JsonMediaType
  ? Received<Body>
  : MediaType extends `text/${string}`
    ? string
    : MediaType extends '*/*' | 'application/*'
      ? JsonValue | Buffer
      : Buffer;

/** A value as it is answered: without what `--read-write-markers` marks as write-only. */
export type Received<T> = T extends { readonly $read: infer Inner }
  ? Received<Inner>
  : T extends { readonly $write: unknown }
    ? never
    : T extends readonly unknown[]
      ? { [Index in keyof T]: Received<T[Index]> }
      : T extends object
        ? {
            [Key in keyof T as NonNullable<T[Key]> extends { readonly $write: unknown } ? never : Key]: Received<
              T[Key]
            >;
          }
        : T;

// Tasks.

/**
 * The first success but 202, as a task's results have it: the body where it is an object of JSON, else that as `body`; files are references. Where
 * the result is part of the body, `At` is its JSON Pointer; never where the body has no such place.
 */
export type ResponseOf<Operation, At extends string = ''> = Operation extends { responses: infer Responses }
  ? ResultOf<FirstIn<Responses, Successes>, At>
  : never;

type Successes = [200, 201, 203, 204, 205, 206, 207, 208, 226, '2XX', 'default'];

type FirstIn<Responses, Keys> = Keys extends [infer Key, ...infer Others]
  ? Key extends keyof Responses
    ? Responses[Key]
    : FirstIn<Responses, Others>
  : never;

type ResultOf<Response, At extends string> = Response extends { content: infer Contents extends object }
  ? [JsonIn<Contents>] extends [never]
    ? WholeAt<{ body: ResultBody<keyof Contents> }, At>
    : WholeOrBody<PartAt<Received<Contents[JsonIn<Contents>]>, At>>
  : WholeAt<Nothing, At>;

type WholeAt<Whole, At extends string> = At extends '' ? Whole : never;

/** The part of a body that the work leaves when it is done: an object is there then, whatever the state says before. */
type PartAt<Body, At extends string> = At extends '' ? Body : Settled<ValueAt<Body, At>>;

type ValueAt<Value, At extends string> = At extends `/${infer Name}/${infer Rest}`
  ? ValueAt<MemberOf<Value, Name>, `/${Rest}`>
  : At extends `/${infer Name}`
    ? MemberOf<Value, Name>
    : never;

type MemberOf<Value, Name extends string> = Value extends object
  ? Name extends keyof Value
    ? Value[Name]
    : never
  : never;

type Settled<Value> = unknown extends Value
  ? Value
  : [NonNullable<Value>] extends [string | number | boolean | readonly unknown[]]
    ? Exclude<Value, undefined>
    : NonNullable<Value>;

type ResultBody<Key> = MediaTypeOf<Key> extends `text/${string}` ? string : string | ArtifactReference;

type WholeOrBody<Body> = unknown extends Body
  ? JsonObject
  : Body extends string | number | boolean | null | readonly unknown[]
    ? { body: Stored<Body> }
    : Stored<Body>;

/** As it is stored: any text may be a file. */
type Stored<T> = string extends T
  ? T | ArtifactReference
  : T extends readonly unknown[]
    ? { [Index in keyof T]: Stored<T[Index]> }
    : T extends object
      ? { [Key in keyof T]: Stored<T[Key]> }
      : T;
