import { z } from 'zod';

/** What a row of `identity_providers` keeps of an OpenID Connect provider: names and choices, never a secret. */
export interface ProviderConfig {
  /** Where the provider describes itself, as the `iss` of its tokens: `https://login.example.org/tenant`. `http:` works only where the context says `allowHttp`. */
  readonly issuer: string;
  readonly client_id: string;
  /** The name of the client's secret, which the host resolves. @default none: a public client, by PKCE alone */
  readonly client_secret?: string | undefined;
  /** @default 'client_secret_basic' */
  readonly client_auth?: 'client_secret_basic' | 'client_secret_post' | undefined;
  /** @default 'openid email' */
  readonly scope?: string | undefined;
  /** True: who comes with the verified address of a user is that user. Only for a provider whose word on addresses is trusted. @default false */
  readonly link_by_verified_email?: boolean | undefined;
  /** True: who is unknown becomes a user without a password, if their address is verified and free. @default false */
  readonly create_users?: boolean | undefined;
}

export const providerConfig: z.ZodType<ProviderConfig> = z.strictObject({
  issuer: z.url({ protocol: /^https?$/ }).max(2_000),
  client_id: z.string().min(1).max(500),
  client_secret: z.string().min(1).max(500).optional(),
  client_auth: z.enum(['client_secret_basic', 'client_secret_post']).optional(),
  scope: z
    .string()
    .max(500)
    .regex(/^(\S+ )*openid( \S+)*$/, 'expected scopes with openid among them')
    .optional(),
  link_by_verified_email: z.boolean().optional(),
  create_users: z.boolean().optional(),
});
