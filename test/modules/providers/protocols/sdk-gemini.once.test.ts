import { describeModelProtocol } from '../../../contracts/model-protocol.contract.ts'
import { providerAt } from '../../../kit/model-server.ts'

describeModelProtocol({
  name: 'Gemini',
  provider: (url) => providerAt('google', `${url}/v1beta`),
  modelId: 'google/gemini-2.5-flash',
  thinkingModelId: 'google/gemini-2.5-flash',
  path: '/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse',
  replays: [/"functionResponse"/],
  usage: { promptTokenCount: 11, candidatesTokenCount: 7 },
})
