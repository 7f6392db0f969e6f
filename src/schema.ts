import './graphql/scalars.ts'
import './modules/accounts/users/viewer.graphql.ts'
import './modules/accounts/users/viewer-events.graphql.ts'
import './modules/accounts/users/login.graphql.ts'
import './modules/accounts/users/account.graphql.ts'
import './modules/accounts/administration/administration.graphql.ts'
import './modules/accounts/passwords/password.graphql.ts'
import './modules/accounts/verification/registration.graphql.ts'
import './modules/accounts/devices/device-session.graphql.ts'
import './modules/accounts/audit-trail/audit-event.graphql.ts'
import './modules/accounts/devices/switch.graphql.ts'
import './modules/accounts/organizations/organization.graphql.ts'
import './modules/accounts/memberships/membership.graphql.ts'
import './modules/accounts/invitations/invitation.graphql.ts'
import './modules/accounts/keys/api-key.graphql.ts'
import './modules/accounts/agents/agent.graphql.ts'
import './modules/projects/project.graphql.ts'
import './modules/projects/project-member.graphql.ts'
import './modules/ocean/pages/page.graphql.ts'
import './modules/ocean/blocks/block.graphql.ts'
import './modules/ocean/blocks/block-text.graphql.ts'
import './modules/ocean/blocks/structure.graphql.ts'
import './modules/ocean/blocks/conversion.graphql.ts'
import './modules/ocean/blocks/split-merge.graphql.ts'
import './modules/ocean/pages/page-events.graphql.ts'
import './modules/ocean/tags/tag.graphql.ts'
import './modules/ocean/links/link.graphql.ts'
import './modules/chat/sessions/chat-session.graphql.ts'
import './modules/chat/messages/message.graphql.ts'
import './modules/chat/messages/chat-events.graphql.ts'
import { builder } from './graphql/builder.ts'

builder.queryType({ description: 'Everything that can be read.' })
builder.mutationType({ description: 'Everything that can be changed; each field takes one input.' })
builder.subscriptionType({ description: 'Everything that can be watched live.' })

/** The schema of the API. */
export const schema = builder.toSchema({ sortSchema: true })
