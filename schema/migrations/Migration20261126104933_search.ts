import { Migration } from '@mikro-orm/migrations';

export class Migration20261126104933_search extends Migration {

  override name = 'Migration20261126104933_search';

  override up(): void | Promise<void> {
    this.addSql(`create extension if not exists "btree_gin";`);
    this.addSql(`create extension if not exists "pg_trgm";`);

    this.addSql(`create table "search_text" ("subject_id" uuid not null, "organization_id" uuid not null, "kind" varchar(8) not null, "home_id" uuid not null, "language" varchar(16) not null, "words" tsvector not null, "length" int not null, "change_id" bigint not null, primary key ("subject_id"));`);
    this.addSql(`create index "search_text_words_index" on "search_text" using gin ("organization_id", "words");`);
    this.addSql(`create index "search_text_organization_id_language_index" on "search_text" ("organization_id", "language");`);

    this.addSql(`create table "search_chunk" ("id" uuid not null, "subject_id" uuid not null, "number" smallint not null, "organization_id" uuid not null, "kind" varchar(8) not null, "home_id" uuid not null, "start" int not null, "end" int not null, "hash" bytea not null, "model_id" varchar(64) null, "signs" varbit null, primary key ("id"));`);
    this.addSql(`create index "search_chunk_organization_id_hash_index" on "search_chunk" ("organization_id", "hash");`);
    this.addSql(`create index "search_chunk_due_index" on "search_chunk" ("id") where "model_id" is null;`);
    this.addSql(`alter table "search_chunk" add constraint "search_chunk_subject_id_number_unique" unique ("subject_id", "number");`);

    this.addSql(`create table "search_vector" ("organization_id" uuid not null, "model_id" varchar(64) not null, "hash" bytea not null, "vector" bytea not null, "dimensions" int generated always as (octet_length(vector) / 4) stored not null, primary key ("organization_id", "model_id", "hash"));`);

    this.addSql(`create table "search_word" ("organization_id" uuid not null, "word" varchar(40) collate "C" not null, primary key ("organization_id", "word"));`);
    this.addSql(`create index "search_word_trigram_index" on "search_word" using gin ("organization_id", "word" gin_trgm_ops);`);

    this.addSql(`create table "text_change" ("id" bigserial primary key, "organization_id" uuid not null, "kind" varchar(8) not null, "subject_id" uuid not null);`);

    this.addSql(`create or replace function "page_note_text_fn"() returns trigger as \$\$ begin if tg_op <> 'UPDATE' or (true and (old.title, old.language) is distinct from (new.title, new.language)) then insert into text_change (organization_id, kind, subject_id) values (coalesce(new.organization_id, old.organization_id), 'PAGE', coalesce(new.id, old.id)); end if; return null; end; \$\$ language plpgsql;`);
    this.addSql(`create trigger "note_text" AFTER DELETE OR INSERT OR UPDATE on "page" for each ROW execute function "page_note_text_fn"();`);

    this.addSql(`drop index "block_text_index";`);
    this.addSql(`create or replace function "block_note_text_fn"() returns trigger as \$\$ begin if tg_op <> 'UPDATE' or (true and (old.text, old.page_id) is distinct from (new.text, new.page_id)) then insert into text_change (organization_id, kind, subject_id) values (coalesce(new.organization_id, old.organization_id), 'BLOCK', coalesce(new.id, old.id)); end if; return null; end; \$\$ language plpgsql;`);
    this.addSql(`create trigger "note_text" AFTER DELETE OR INSERT OR UPDATE on "block" for each ROW execute function "block_note_text_fn"();`);

    this.addSql(`create or replace function "message_note_text_fn"() returns trigger as \$\$ begin if tg_op <> 'UPDATE' or (new.status <> 'STREAMING' and (old.content, old.status) is distinct from (new.content, new.status)) then insert into text_change (organization_id, kind, subject_id) values (coalesce(new.organization_id, old.organization_id), 'MESSAGE', coalesce(new.id, old.id)); end if; return null; end; \$\$ language plpgsql;`);
    this.addSql(`create trigger "note_text" AFTER DELETE OR INSERT OR UPDATE on "message" for each ROW execute function "message_note_text_fn"();`);

    this.addSql(`alter table "search_text" add constraint "search_text_organization_id_foreign" foreign key ("organization_id") references "organization" ("id");`);
    this.addSql(`alter table "search_text" add constraint "search_text_kind_check" check (kind in ('PAGE', 'BLOCK', 'MESSAGE'));`);

    this.addSql(`alter table "search_chunk" add constraint "search_chunk_subject_id_foreign" foreign key ("subject_id") references "search_text" ("subject_id") on delete cascade;`);
    this.addSql(`alter table "search_chunk" add constraint "search_chunk_organization_id_foreign" foreign key ("organization_id") references "organization" ("id");`);
    this.addSql(`alter table "search_chunk" add constraint "search_chunk_kind_check" check (kind in ('PAGE', 'BLOCK', 'MESSAGE'));`);

    this.addSql(`alter table "search_vector" add constraint "search_vector_organization_id_foreign" foreign key ("organization_id") references "organization" ("id");`);

    this.addSql(`alter table "search_word" add constraint "search_word_organization_id_foreign" foreign key ("organization_id") references "organization" ("id");`);

    // What is there already is to be found as well.
    this.addSql(`insert into "text_change" ("organization_id", "kind", "subject_id") select "organization_id", 'PAGE', "id" from "page";`);
    this.addSql(`insert into "text_change" ("organization_id", "kind", "subject_id") select "organization_id", 'BLOCK', "id" from "block";`);
    this.addSql(`insert into "text_change" ("organization_id", "kind", "subject_id") select "organization_id", 'MESSAGE', "id" from "message";`);
  }

  override down(): void | Promise<void> {
    this.addSql(`alter table "search_chunk" drop constraint "search_chunk_subject_id_foreign";`);

    this.addSql(`drop table if exists "search_text" cascade;`);
    this.addSql(`drop table if exists "search_chunk" cascade;`);
    this.addSql(`drop table if exists "search_vector" cascade;`);
    this.addSql(`drop table if exists "search_word" cascade;`);
    this.addSql(`drop table if exists "text_change" cascade;`);

    this.addSql(`drop trigger if exists "note_text" on "block";`);
    this.addSql(`drop function if exists "block_note_text_fn"();`);
    this.addSql(`create index "block_text_index" on "block" using gin (to_tsvector('english', "text"));`);

    this.addSql(`drop trigger if exists "note_text" on "message";`);
    this.addSql(`drop function if exists "message_note_text_fn"();`);

    this.addSql(`drop trigger if exists "note_text" on "page";`);
    this.addSql(`drop function if exists "page_note_text_fn"();`);
  }

}
