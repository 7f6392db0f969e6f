import { describeModelProtocol } from '../../../contracts/model-protocol.contract.ts'
import { providerAt } from '../../../kit/model-server.ts'

describeModelProtocol({
  name: 'OpenAI responses',
  provider: (url) => providerAt('openai', `${url}/v1`),
  modelId: 'openai/gpt-5',
  thinkingModelId: 'openai/gpt-5',
  path: '/v1/responses',
  replays: [/"function_call_output"/, /"call_id":"call_1"/],
  usage: { input_tokens: 11, output_tokens: 7 },
})
