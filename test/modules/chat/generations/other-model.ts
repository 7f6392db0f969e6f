import type { Model, ModelRequest } from '../../../../src/platform/models.ts'
import type { TestServer } from '../../../kit/server.ts'

/** While it is open, a model of the server is another one; `asked` is all that it was asked. */
export function otherwise(server: TestServer, id: string, change: Partial<Model>) {
  const { models } = server.app.platform
  const model = models.find(id)
  if (model === null) throw new Error(`There is no model ${id}`)
  const asked: ModelRequest[] = []
  const other: Model = {
    ...model,
    ...change,
    stream: (ctx, request, signal) => {
      asked.push({ ...request, messages: [...request.messages] })
      return model.stream(ctx, request, signal)
    },
  }
  const find = models.find.bind(models)
  Object.assign(models, { find: (wanted: string) => (wanted === id ? other : find(wanted)) })
  return { asked, [Symbol.dispose]: () => void Object.assign(models, { find }) }
}
