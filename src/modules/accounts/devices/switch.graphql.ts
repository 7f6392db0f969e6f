import { z } from 'zod'
import { builder } from '../../../graphql/builder.ts'
import { idOf } from '../../../graphql/ids.ts'
import { mutation } from '../../../graphql/mutation.ts'
import { AuthPayloadType, deviceFieldDescriptions, deviceFields, TokenModeRef } from '../tokens/auth-payload.graphql.ts'
import { switchOrganization } from './switch.service.ts'

const SwitchOrganizationInput = builder.inputType('SwitchOrganizationInput', {
  description: 'Where to act from now on, on this device.',
  fields: (t) => ({
    organizationId: t.id({ required: true, description: 'One of your organizations: see `Viewer.memberships`.' }),
    mode: t.field({ type: TokenModeRef, description: deviceFieldDescriptions.mode }),
  }),
})

// Mutation.switchOrganization
builder.mutationField('switchOrganization', (t) =>
  mutation(t, {
    type: AuthPayloadType,
    input: SwitchOrganizationInput,
    schema: z.object({ organizationId: idOf('Organization'), mode: deviceFields.mode }),
    description:
      'Answers an access token for another of your organizations. Keep your refresh token: it goes on working, and refreshes into that one.',
    resolve: (input, ctx) => switchOrganization(ctx, input),
  }),
)
