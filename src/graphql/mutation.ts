import type { FieldRef, InputRef, ShapeFromTypeParam, TypeParam } from '@pothos/core'
import { RequestCache } from '@pothos/plugin-scope-auth'
import type { GraphQLField, GraphQLResolveInfo } from 'graphql'
import type { z } from 'zod'
import { unstorableIn } from '../lib/storable-text.ts'
import type { Context } from '../platform/context.ts'
import {
  Denial,
  Forbidden,
  InvalidInput,
  type NextStep,
  NotFound,
  Unauthenticated,
  type UserError,
} from '../platform/errors.ts'
import { heldToGates, requireViewer } from '../platform/gate.ts'
import type { SchemaTypes } from './builder.ts'
import { ruleInWords } from './input.ts'

type Types = PothosSchemaTypes.ExtendDefaultTypes<SchemaTypes>

/** What one mutation is: its one input, the rules of that input, what it answers and every fact that can refuse it. */
export interface MutationOptions<Type extends TypeParam<Types>, Shape, Parsed> {
  readonly description: string
  readonly type: Type
  readonly input: InputRef<Shape>
  /** The rules of the input; ids become UUIDs here. */
  readonly schema: z.ZodType<Parsed, Shape>
  readonly errors?: readonly (new (...parameters: never[]) => UserError | NextStep)[]
  /** Open to callers who are not signed in; then a document holds it once, and no other such mutation. */
  readonly isPublic?: boolean
  readonly resolve: (input: Parsed, ctx: Context) => Promise<ShapeFromTypeParam<Types, Type, false>>
}

// In the field's extensions, for the rules of documents.
const PUBLIC = 'isPublicMutation'

/** Whether a field is a mutation that is open to callers who are not signed in. */
export function isPublicMutation(field: GraphQLField<unknown, unknown>): boolean {
  return field.extensions[PUBLIC] === true
}

/**
 * A mutation field: one `input`, parsed once, and a union of the result with `InvalidInput` and the errors listed. It is
 * nullable, since one that is refused must not blank the others of its document, which have committed.
 */
export function mutation<Type extends TypeParam<Types>, Shape, Parsed>(
  t: PothosSchemaTypes.MutationFieldBuilder<Types, object>,
  options: MutationOptions<Type, Shape, Parsed>,
): FieldRef<Types, unknown, 'Mutation'> {
  const { type, description } = options
  const result = { description: 'What came of it: the result, or a fact that the caller can act on.' }
  return t.field({
    type,
    description,
    nullable: true,
    args: { input: t.arg({ type: options.input, required: true, description: 'All that this mutation needs.' }) },
    errors: { types: [InvalidInput, ...(options.errors ?? [])], union: result },
    extensions: { [PUBLIC]: options.isPublic === true },
    resolve: async (_root: unknown, args: { input: Shape }, ctx: Context, info: GraphQLResolveInfo) => {
      const { viewer } = ctx
      try {
        // Not a scope, whose outcome is kept: a field before this one may have signed somebody in or out.
        if (options.isPublic !== true) requireViewer(ctx)
        const input = parseInput(options.schema, args.input)
        const run = () => options.resolve(input, ctx)
        // Whoever signs in, out or up does so by what they show, not by what they may.
        return await (options.isPublic === true ? run() : heldToGates(ctx, run))
      } catch (error) {
        await noteRefusal(ctx, info.fieldName, error)
        throw error
      } finally {
        if (ctx.viewer !== viewer) RequestCache.clearForContext(ctx)
      }
    },
  } as never) as FieldRef<Types, unknown, 'Mutation'>
}

/**
 * Writes a refusal to the audit trail, once it is known who was refused, also where they are let in no more. Others are
 * only logged: whoever is nobody could fill the table.
 */
async function noteRefusal(ctx: Context, field: string, error: unknown): Promise<void> {
  const isRefusal = error instanceof Forbidden || error instanceof NotFound || error instanceof Denial
  if (isRefusal && ctx.viewer.kind !== 'anonymous') {
    await ctx.platform.recordDenial(ctx, error.action ?? field, error.target)
  } else if (error instanceof Unauthenticated && ctx.viewer.kind === 'anonymous' && ctx.viewer.known !== undefined) {
    await ctx.platform.recordDenial(ctx, field, null)
  } else if (isRefusal || error instanceof Unauthenticated) {
    const { id: requestId, address } = ctx.request
    ctx.platform.log.info({ field, requestId, address }, 'a mutation was refused to somebody who is not signed in')
  }
}

/** Parses what came from outside. @throws {InvalidInput} with every broken rule and its place */
export function parseInput<Parsed, Shape>(schema: z.ZodType<Parsed, Shape>, input: Shape): Parsed {
  const unstorable = unstorableIn(input)
  if (unstorable.length > 0) throw new InvalidInput(unstorable)
  return parseFilter(schema, input)
}

/** Parses what a list is narrowed by: an id that is none names nothing, whatever it holds. @throws {InvalidInput} */
export function parseFilter<Parsed, Shape>(schema: z.ZodType<Parsed, Shape>, input: Shape): Parsed {
  const result = schema.safeParse(input, { error: ruleInWords })
  if (result.success) return result.data
  throw new InvalidInput(result.error.issues.map((issue) => ({ path: issue.path.map(String), message: issue.message })))
}
