import {
  createSourceEventStream,
  type ExecutionArgs,
  type ExecutionResult,
  executeSubscriptionEvent,
  type GraphQLError,
  mapSourceToResponseEvent,
  execute as runOperation,
  validateSubscriptionArgs,
} from 'graphql'
import type { Context } from '../platform/context.ts'
import { maskError } from './errors.ts'
import type { Delivery } from './subscription.ts'

/** Executes a query or mutation; errors leave it masked and it never rejects. `contextValue` is a `Context`. */
export async function executeOperation(args: ExecutionArgs): Promise<ExecutionResult> {
  const ctx = args.contextValue as Context
  try {
    return masked(await runOperation({ ...args, hideSuggestions: true }), ctx)
  } catch (error) {
    return { errors: [maskError(error, ctx.request, ctx.platform.log)] }
  }
}

/**
 * Starts a subscription; errors leave it masked, those that end it too. Every delivered event is executed with the
 * context that came with it, since permissions and loaded rows are cached per context and must not outlive one event.
 */
export async function subscribeOperation(
  args: ExecutionArgs,
): Promise<AsyncGenerator<ExecutionResult, void, void> | ExecutionResult> {
  const ctx = args.contextValue as Context
  try {
    const validated = validateSubscriptionArgs({ ...args, hideSuggestions: true })
    if (!('schema' in validated)) return masked({ errors: validated }, ctx)
    const source = await createSourceEventStream(validated)
    if (!(Symbol.asyncIterator in source)) return masked(source, ctx)
    return mapSourceToResponseEvent(validated, maskingThrown(source, ctx), async (event) => {
      const delivery = event.rootValue as Delivery
      const result = await executeSubscriptionEvent({
        ...event,
        rootValue: delivery.event,
        contextValue: delivery.context,
      })
      return masked(result, delivery.context)
    })
  } catch (error) {
    return { errors: [maskError(error, ctx.request, ctx.platform.log)] }
  }
}

function masked(result: ExecutionResult, ctx: Context): ExecutionResult {
  if (result.errors === undefined) return result
  const mask = (error: GraphQLError) => maskError(error, ctx.request, ctx.platform.log)
  return { ...result, errors: result.errors.map(mask) }
}

// Not an async generator: its return() would wait for the next event.
function maskingThrown(source: AsyncIterable<unknown>, ctx: Context): AsyncIterable<unknown> {
  const iterator = source[Symbol.asyncIterator]()
  const rethrow = (error: unknown) => Promise.reject(maskError(error, ctx.request, ctx.platform.log))
  const masking: AsyncIterator<unknown> = {
    next: () => iterator.next().catch(rethrow),
    return: async () => (await iterator.return?.()) ?? { done: true, value: undefined },
  }
  return { [Symbol.asyncIterator]: () => masking }
}
