import { describeModelProtocol } from '../../../contracts/model-protocol.contract.ts'
import { providerAt } from '../../../kit/model-server.ts'

describeModelProtocol({
  name: 'OpenAI chat completions',
  provider: (url) => providerAt('openai', `${url}/v1`),
  modelId: 'openai-chat/gpt-4.1',
  thinkingModelId: null,
  path: '/v1/chat/completions',
  replays: [/"tool_call_id":"call_1"/],
  usage: { prompt_tokens: 11, completion_tokens: 7 },
})
