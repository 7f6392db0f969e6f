import type { Model, ModelPart, ModelRequest } from '../../../../src/platform/models.ts'
import type { TestServer } from '../../../kit/server.ts'

/**
 * While it is open, a model of the server is another one, which says something else where `say` does; `asked` is all that it
 * was asked.
 */
export function otherwise(
  server: TestServer,
  id: string,
  change: Partial<Model>,
  say: (part: ModelPart) => ModelPart = (part) => part,
) {
  const { models } = server.app.platform
  const model = models.find(id)
  if (model === null) throw new Error(`There is no model ${id}`)
  const asked: ModelRequest[] = []
  const other: Model = {
    ...model,
    ...change,
    stream: (ctx, request, signal) => {
      asked.push({ ...request, messages: [...request.messages] })
      return saidOtherwise(model.stream(ctx, request, signal), say)
    },
  }
  const find = models.find.bind(models)
  Object.assign(models, { find: (wanted: string) => (wanted === id ? other : find(wanted)) })
  return { asked, [Symbol.dispose]: () => void Object.assign(models, { find }) }
}

async function* saidOtherwise(parts: AsyncIterable<ModelPart>, say: (part: ModelPart) => ModelPart) {
  for await (const part of parts) yield say(part)
}
