import { describeModelProtocol } from '../../../contracts/model-protocol.contract.ts'
import { providerAt } from '../../../kit/model-server.ts'

describeModelProtocol({
  name: 'Ollama',
  provider: (url) => providerAt('ollama', `${url}/api`, null),
  modelId: 'ollama/qwen3:8b',
  // Its mock writes none: see below.
  thinkingModelId: null,
  path: '/api/chat',
  replays: [/"role":"tool"/],
  countsTokens: false,
})
