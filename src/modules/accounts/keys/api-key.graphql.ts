import { z } from 'zod'
import { builder } from '../../../graphql/builder.ts'
import { idKey, keysetConnection } from '../../../graphql/connection.ts'
import { errorType, UserErrorInterface } from '../../../graphql/errors.ts'
import { idOf } from '../../../graphql/ids.ts'
import { optional } from '../../../graphql/input.ts'
import { mutation } from '../../../graphql/mutation.ts'
import { singleLine } from '../../../lib/single-line.ts'
import { ViewerType } from '../users/viewer.graphql.ts'
import { type ApiKeyRow, countApiKeys, findApiKey, listApiKeys } from './api-key.reads.ts'
import {
  ApiKeyEnded,
  type CreatedApiKey,
  createApiKey,
  revokeApiKey,
  rotateApiKey,
  TooManyApiKeys,
} from './api-key.service.ts'
import { isKnownAction, PermissionNotHeld } from './held-permissions.reads.ts'

errorType(TooManyApiKeys, 'You have 50 keys in this organization; revoke one first.')
errorType(ApiKeyEnded, 'The key was revoked or has expired; make another one.')

builder.objectType(PermissionNotHeld, {
  name: 'PermissionNotHeld',
  description:
    'A key or an agent can be given what its person may do, and no more; nor what people have to do themselves.',
  interfaces: [UserErrorInterface],
  fields: (t) => ({
    permissions: t.field({
      type: ['Permission'],
      description: 'These they may not.',
      resolve: (error) => [...error.permissions],
    }),
  }),
})

/** The rule of every list of permissions to be given: known ones, sorted, each once. */
export const permissionNames = z
  .array(z.string().refine(isKnownAction, 'is not valid'))
  .min(1)
  .max(200)
  .transform((names) => [...new Set(names)].sort())

/** A program's credential. */
export const ApiKeyNode = builder.node(builder.objectRef<ApiKeyRow>('ApiKey'), {
  description:
    'A key of yours for a program, which acts as you in one organization, within its permissions and yours. Nobody else sees it.',
  id: { description: 'Opaque, typed and sortable: `api_key_01jd…`.', resolve: (key) => key.id },
  loadOne: (id, ctx) => findApiKey(ctx, id),
  fields: (t) => ({
    name: t.exposeString('name', { description: 'What it is for: 1 to 80 characters.' }),
    prefix: t.exposeString('prefix', { description: 'How its secret begins, to tell it from others.' }),
    permissions: t.field({
      type: ['Permission'],
      description: 'All it may do at most, sorted; of these, what you may do yourself at the time.',
      resolve: (key) => [...key.permissions],
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
    lastUsedAt: t.expose('lastUsedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was last used, to about a minute; null when it never was.',
    }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it ends by itself; null when it lasts until it is revoked.',
    }),
    rotatedAt: t.expose('rotatedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it got its newest secret; the one before counts for 24 h from then on.',
    }),
    revokedAt: t.expose('revokedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was revoked; null while it was not.',
    }),
  }),
})

// Viewer.apiKeys
builder.objectField(ViewerType, 'apiKeys', (t) =>
  t.connection(
    {
      type: ApiKeyNode,
      description:
        'Your keys in the active organization, newest first, without revoked ones; keys and agents see none.',
      resolve: (_viewer, args, ctx) =>
        keysetConnection({
          args,
          keySchema: idKey,
          rows: (window) => listApiKeys(ctx, window),
          keyOf: (key) => [key.id],
          count: () => countApiKeys(ctx),
        }),
    },
    { description: 'A page of keys.' },
    { description: 'One key of a page.' },
  ),
)

const CreatedApiKeyRef = builder.objectRef<CreatedApiKey>('CreatedApiKey').implement({
  description: 'A key with its secret.',
  fields: (t) => ({
    apiKey: t.field({ type: ApiKeyNode, description: 'The key.', resolve: (created) => created.apiKey }),
    secret: t.exposeString('secret', {
      description:
        'What the program sends, as `Authorization: Bearer oc_key_…` or as `x-api-key`. It is told this once; keep it.',
    }),
  }),
})

const CreateApiKeyInput = builder.inputType('CreateApiKeyInput', {
  description: 'A new key. It is always your own, in the active organization.',
  fields: (t) => ({
    name: t.string({ required: true, description: 'What it is for: 1 to 80 characters.' }),
    permissions: t.field({
      type: ['Permission'],
      required: true,
      description: 'All it may do: at least one, and none that you do not have.',
    }),
    expiresAt: t.field({ type: 'DateTime', description: 'When it ends by itself; never when left out.' }),
  }),
})

// Mutation.createApiKey
builder.mutationField('createApiKey', (t) =>
  mutation(t, {
    type: CreatedApiKeyRef,
    input: CreateApiKeyInput,
    schema: z.object({
      name: singleLine({ min: 1, max: 80 }),
      permissions: permissionNames,
      expiresAt: optional(z.date()),
    }),
    errors: [PermissionNotHeld, TooManyApiKeys],
    description:
      'Makes a key for a program to act as you with. Only you can, signed in on a device; a repeat makes another key, since no secret is told twice.',
    resolve: (input, ctx) => createApiKey(ctx, input),
  }),
)

const RotateApiKeyInput = builder.inputType('RotateApiKeyInput', {
  description: 'Which key is to have a new secret.',
  fields: (t) => ({ id: t.id({ required: true, description: 'One of your own keys.' }) }),
})

// Mutation.rotateApiKey
builder.mutationField('rotateApiKey', (t) =>
  mutation(t, {
    type: CreatedApiKeyRef,
    input: RotateApiKeyInput,
    schema: z.object({ id: idOf('ApiKey') }),
    errors: [ApiKeyEnded],
    description:
      'Gives one of your keys a new secret. The old one works for another 24 h; one older than that ends now.',
    resolve: (input, ctx) => rotateApiKey(ctx, input.id),
  }),
)

const RevokeApiKeyInput = builder.inputType('RevokeApiKeyInput', {
  description: 'Which key is to end.',
  fields: (t) => ({ id: t.id({ required: true, description: 'One of your own keys.' }) }),
})

// Mutation.revokeApiKey
builder.mutationField('revokeApiKey', (t) =>
  mutation(t, {
    type: ApiKeyNode,
    input: RevokeApiKeyInput,
    schema: z.object({ id: idOf('ApiKey') }),
    description: 'Ends one of your keys for good: at once for requests, within two seconds for what it has open.',
    resolve: (input, ctx) => revokeApiKey(ctx, input.id),
  }),
)
