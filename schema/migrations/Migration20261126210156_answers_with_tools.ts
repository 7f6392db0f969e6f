import { Migration } from '@mikro-orm/migrations';

export class Migration20261126210156_answers_with_tools extends Migration {

  override name = 'Migration20261126210156_answers_with_tools';

  override up(): void | Promise<void> {
    this.addSql(`create table "tool_call" ("id" uuid not null, "organization_id" uuid not null, "session_id" uuid not null, "message_id" uuid not null, "name" varchar(64) not null, "input" jsonb null, "digest" varchar(64) not null, "tape_length" int not null, "status" varchar(32) not null, "output" jsonb null, "sources" jsonb not null, "asked_by_id" uuid not null, "asked_with_key_id" uuid null, "expires_at" timestamptz null, "decided_by_id" uuid null, "created_at" timestamptz not null, "ended_at" timestamptz null, primary key ("id"));`);
    this.addSql(`create index "tool_call_organization_id_index" on "tool_call" ("organization_id");`);
    this.addSql(`create index "tool_call_session_id_index" on "tool_call" ("session_id");`);
    this.addSql(`create index "tool_call_message_id_id_index" on "tool_call" ("message_id", "id");`);

    this.addSql(`alter table "message" add "thoughts" jsonb not null default '[]', add "segments" jsonb not null default '[]', add "usage" jsonb null, add "metadata" jsonb not null default '{}';`);

    this.addSql(`alter table "chat_participant" add "tool_approval" varchar(8) not null default 'ASK';`);

    this.addSql(`alter table "tool_call" add constraint "tool_call_organization_id_foreign" foreign key ("organization_id") references "organization" ("id");`);
    this.addSql(`alter table "tool_call" add constraint "tool_call_session_id_foreign" foreign key ("session_id") references "chat_session" ("id");`);
  }

  override down(): void | Promise<void> {
    this.addSql(`drop table if exists "tool_call" cascade;`);

    this.addSql(`alter table "chat_participant" drop column "tool_approval";`);

    this.addSql(`alter table "message" drop column "thoughts", drop column "segments", drop column "usage", drop column "metadata";`);
  }

}
