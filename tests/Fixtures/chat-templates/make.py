"""Renders the templates below with Jinja2, set up as Hugging Face transformers sets it up, and writes cases.json.

Needs only the package Jinja2. Run it in this folder: python3 make.py
"""
import json

import jinja2
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
environment.filters["tojson"] = tojson
environment.globals["raise_exception"] = raise_exception

# In the style of published models' templates.
CHATS = {
    "chatml": "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
    "default system": "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\nYou are a helpful AI assistant<|im_end|>\n' }}{% endif %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
    "llama 2": "{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set system_message = messages[0]['content'] %}{% else %}{% set loop_messages = messages %}{% set system_message = false %}{% endif %}{% for message in loop_messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}{% if loop.index0 == 0 and system_message != false %}{% set content = '<<SYS>>\\n' + system_message + '\\n<</SYS>>\\n\\n' + message['content'] %}{% else %}{% set content = message['content'] %}{% endif %}{% if message['role'] == 'user' %}{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}{% elif message['role'] == 'assistant' %}{{ ' '  + content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}",
    "llama 3": "{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' %}{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}",
    "llama 3.1": """{{- bos_token }}
{%- if custom_tools is defined %}
    {%- set tools = custom_tools %}
{%- endif %}
{%- if not tools is defined %}
    {%- set tools = none %}
{%- endif %}
{#- The system message is taken out, so that it can go into the right place. #}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content']|trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system_message = "" %}
{%- endif %}
{{- "<|start_header_id|>system<|end_header_id|>\\n\\n" }}
{%- if tools is not none %}
    {{- "Environment: ipython\\n" }}
{%- endif %}
{{- system_message }}
{{- "<|eot_id|>" }}
{%- for message in messages %}
    {%- if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}
        {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n'+ message['content'] | trim + '<|eot_id|>' }}
    {%- elif 'tool_calls' in message %}
        {%- if not message.tool_calls|length == 1 %}
            {{- raise_exception("This model only supports single tool-calls at once!") }}
        {%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}
{%- endif %}
""",
    "qwen 2.5": """{%- if tools %}
    {{- '<|im_start|>system\\n' }}
    {%- for tool in tools %}
        {{- "\\n" }}
        {{- tool | tojson }}
    {%- endfor %}
{%- else %}
    {%- if messages[0]['role'] == 'system' %}
        {{- '<|im_start|>system\\n' + messages[0]['content'] + '<|im_end|>\\n' }}
    {%- else %}
        {{- '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' }}
    {%- endif %}
{%- endif %}
{%- for message in messages %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) or (message.role == "assistant" and not message.tool_calls) %}
        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}
    {%- elif message.role == "tool" %}
        {%- if (loop.index0 == 0) or (messages[loop.index0 - 1].role != "tool") %}
            {{- '<|im_start|>user' }}
        {%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
""",
    "qwen 3": """{%- set ns = namespace(multi_step_tool=true, last_query_index=messages|length - 1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.multi_step_tool and message.role == "user" and message.content is string and not(message.content.startswith('<tool_response>') and message.content.endswith('</tool_response>')) %}
        {%- set ns.multi_step_tool = false %}
        {%- set ns.last_query_index = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- set content = message.content %}
    {%- if message.role == "assistant" and '</think>' in content %}
        {%- set reasoning = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}
        {%- set content = content.split('</think>')[-1].lstrip('\\n') %}
        {%- if loop.index0 > ns.last_query_index or loop.last %}
            {%- set content = '<think>\\n' + reasoning.strip('\\n') + '\\n</think>\\n\\n' + content %}
        {%- endif %}
    {%- endif %}
    {{- '<|im_start|>' ~ message.role ~ '\\n' ~ content ~ '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\\n\\n</think>\\n\\n' }}
    {%- endif %}
{%- endif %}""",
    "mistral": "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}{% elif message['role'] == 'assistant' %}{{ message['content'] + eos_token }}{% elif message['role'] == 'system' %}{{ message['content'] }}{% else %}{{ raise_exception('Only user, system and assistant roles are supported!') }}{% endif %}{% endfor %}",
    "zephyr": "{% for message in messages %}\n{% if message['role'] == 'user' %}\n{{ '<|user|>\n' + message['content'] + eos_token }}\n{% elif message['role'] == 'system' %}\n{{ '<|system|>\n' + message['content'] + eos_token }}\n{% elif message['role'] == 'assistant' %}\n{{ '<|assistant|>\n'  + message['content'] + eos_token }}\n{% endif %}\n{% if loop.last and add_generation_prompt %}\n{{ '<|assistant|>' }}\n{% endif %}\n{% endfor %}",
    "gemma": "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'assistant' %}{% set role = 'model' %}{% else %}{% set role = message['role'] %}{% endif %}{{ '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}{% endfor %}{% if add_generation_prompt %}{{'<start_of_turn>model\n'}}{% endif %}",
    "phi 3": "{% for message in messages %}{% if message['role'] == 'system' and message['content'] %}{{'<|system|>\n' + message['content'] + '<|end|>\n'}}{% elif message['role'] == 'user' %}{{'<|user|>\n' + message['content'] + '<|end|>\n'}}{% elif message['role'] == 'assistant' %}{{'<|assistant|>\n' + message['content'] + '<|end|>\n'}}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% else %}{{ eos_token }}{% endif %}",
    "deepseek": "{% if not add_generation_prompt is defined %}{% set add_generation_prompt = false %}{% endif %}{% set ns = namespace(is_first=false, system_prompt='') %}{%- for message in messages %}{%- if message['role'] == 'system' %}{% set ns.system_prompt = message['content'] %}{%- endif %}{%- endfor %}{{bos_token}}{{ns.system_prompt}}{%- for message in messages %}{%- if message['role'] == 'user' %}{{'<|User|>' + message['content']}}{%- endif %}{%- if message['role'] == 'assistant' and message['content'] is not none %}{{'<|Assistant|>' + message['content'] + eos_token}}{%- endif %}{%- endfor -%}{% if add_generation_prompt %}{{'<|Assistant|>'}}{% endif %}",
    "macros": """{%- macro turn(role, content, end='<end>') -%}
<{{ role | upper }}>{{ content | trim }}{{ end }}
{%- endmacro -%}
{%- for message in messages -%}
{{ turn(message.role, message.content, end='</' ~ message.role ~ '>') }}
{% endfor -%}
{% if add_generation_prompt %}{{ turn('assistant', '', end='') }}{% endif %}""",
}

USER = {"role": "user", "content": " What is 2 + 2? "}
ASSISTANT = {"role": "assistant", "content": "<think>\nadd\n</think>\n\nFour."}
SYSTEM = {"role": "system", "content": "Be brief."}
MORE = {"role": "user", "content": "Ärger & <b>\"Öl\"</b> 🙂\nzweite Zeile"}
CONVERSATIONS = [[USER], [USER, MORE], [SYSTEM, USER], [USER, ASSISTANT, MORE], [SYSTEM, USER, ASSISTANT, MORE]]
TOKENS = {"bos_token": "<s>", "eos_token": "</s>"}

# Each construct by itself: template and variables.
PARTS = [
    ["a {{- ' b ' -}} c", {}],
    ["a\n  {% if true %}\n  b\n  {% endif %}\nc\n", {}],
    ["a\n  {%+ if true %}\n  b\n  {%- endif +%}\nc\n\n", {}],
    ["x  {% if true %} y {% endif %} z", {}],
    ["a {# gone #}\nb\n  {#- gone -#}  \n c", {}],
    ["  {{ 1 }}\n  {{ 2 }}  \n", {}],
    ["{% for x in [1, 2, 3] -%}\n  {{ x }}\n{%- endfor %}", {}],
    ["{{ '}}' }}{{ \"%}\" }}{{ {'a': {'b': 1}}['a']['b'] }}", {}],
    [r"{{ 'tab\tnew\nquote\' \" back\\ \x41 \u00e4 \q' }}", {}],
    ["{{ 1 + 2 * 3 - 4 / 2 }} {{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 2 ** 3 }} {{ 1.5 + 1 }} {{ 'a' * 3 }} {{ -(3) }}", {}],
    ["{{ 'a' ~ 1 ~ none ~ true ~ 2.0 }}", {}],
    ["{{ [1, 'a', none, true, 2.5, {'k': [\"it's\"]}] }}", {}],
    ["{{ 1 < 2 < 3 }} {{ 1 < 2 > 3 }} {{ 'a' in 'cat' }} {{ 4 not in [1, 2] }} {{ not 1 == 2 }} {{ 'k' in {'k': 1} }}", {}],
    ["{{ 'yes' if x else 'no' }}{{ 'only' if false }}|{{ x or 'else' }}|{{ x and 'then' }}", {"x": ""}],
    ["{{ x.y.z }} {{ x['y']['z'] }} {{ x.missing }} {{ x.get('y').z }} {{ x.get('n', 'none') }} {{ missing }}", {"x": {"y": {"z": 5}}}],
    ["{{ l[0] }} {{ l[-1] }} {{ l[1:] }} {{ l[:-1] }} {{ l[::2] }} {{ l[::-1] }} {{ l[5:] }} {{ 'hello'[1:3] }} {{ 'hello'[-1] }}", {"l": [1, 2, 3, 4]}],
    ["{% for k, v in m.items() %}{{ k }}={{ v }};{% endfor %}{% for k in m %}{{ k }}{% endfor %}{% for p in m | items %}{{ p[0] }}{% endfor %}", {"m": {"b": 1, "a": 2}}],
    ["{% for x in l %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.previtem }}{{ loop.nextitem }};{% endfor %}", {"l": ["a", "b", "c"]}],
    ["{% for x in l if x % 2 %}{{ x }}{% if loop.last %}.{% else %},{% endif %}{% else %}empty{% endfor %}", {"l": [1, 2, 3, 4]}],
    ["{% for x in [] %}{{ x }}{% else %}empty{% endfor %}", {}],
    ["{% for x in range(10) %}{% if x == 2 %}{% continue %}{% endif %}{% if x == 5 %}{% break %}{% endif %}{{ x }}{% endfor %} {{ range(5, 0, -2) | list }}", {}],
    ["{% set x = 1 %}{% for i in [1, 2] %}{% set x = x + i %}{{ x }}{% endfor %}{{ x }}{% if true %}{% set x = 9 %}{% endif %}{{ x }}", {}],
    ["{% set ns = namespace(n=0, t='') %}{% for i in [1, 2, 3] %}{% set ns.n = ns.n + i %}{% set ns.t = ns.t ~ i %}{% endfor %}{{ ns.n }} {{ ns.t }}", {}],
    ["{% set a, b = [1, 2] %}{{ a }}{{ b }}{% set t %}in {{ a }}{% endset %}[{{ t }}]", {}],
    ["{{ ' a '.strip() }}|{{ 'xxaxx'.strip('x') }}|{{ 'xxa'.lstrip('x') }}|{{ 'axx'.rstrip('x') }}|{{ 'Ab'.upper() }}{{ 'Ab'.lower() }}|{{ 'hello wORLD'.title() }}|{{ 'hELLO'.capitalize() }}", {}],
    ["{{ 'a,b,c'.split(',') }} {{ 'a b  c'.split() }} {{ 'a,b,c'.split(',', 1) }} {{ 'a,b,c'.rsplit(',', 1) }} {{ ','.join(['x', 'y']) }} {{ 'aXbX'.replace('X', '-') }} {{ 'aXbX'.replace('X', '-', 1) }}", {}],
    ["{{ 'abc'.startswith('ab') }}{{ 'abc'.endswith(('x', 'c')) }}{{ 'abc'.find('c') }}{{ 'aaa'.count('a') }}", {}],
    ["{{ ' x ' | trim }}|{{ 'ab' | upper }}|{{ 'AB' | lower }}|{{ 'hello world' | title }}|{{ 'hELLO' | capitalize }}|{{ [1, 2] | length }}|{{ 'äö🙂' | length }}|{{ [1, 2] | join('-') }}|{{ [3, 4] | first }}{{ [3, 4] | last }}", {}],
    ["{{ missing | default('d') }}|{{ '' | default('d', true) }}|{{ '' | default('d') }}|{{ none | d('x') }}|{{ '12' | int + 1 }}|{{ 'x' | int }}|{{ 3.7 | int }}|{{ '1.5' | float }}|{{ -3 | abs }}|{{ 5 | string + 'a' }}", {}],
    ["{{ m | map(attribute='a') | join(',') }} {{ m | selectattr('a', 'eq', 2) | list }} {{ m | rejectattr('b', 'defined') | list | length }} {{ ['a', 'b'] | map('upper') | list }} {{ [0, 1, none] | select | list }} {{ [1, 2, 3] | reject('odd') | list }}", {"m": [{"a": 1}, {"a": 2, "b": 3}]}],
    ["{{ [1, 2, 3] | reverse | list }} {{ 'abc' | reverse }} {{ 'a\nb\n\nc' | indent(2) }} {{ 'a\nb' | indent(2, true) }} {{ 'a-b' | replace('-', '+') }}", {}],
    ["{{ x | tojson }}\n{{ x | tojson(indent=2) }}\n{{ [] | tojson(indent=4) }} {{ {} | tojson }}", {"x": {"a": [1, 2.5, None, True], "s": "ä\"\\\n</b>", "o": {}}}],
    ["{{ x is defined }}{{ y is defined }}{{ y is undefined }}{{ none is none }}{{ 'a' is string }}{{ 1 is number }}{{ {} is mapping }}{{ [] is iterable }}{{ 'a' is sequence }}{{ true is true }}{{ 1 is true }}{{ false is boolean }}{{ 3 is odd }}{{ 3 is eq 3 }}{{ 3 is not eq(4) }}{{ 2 is in [1, 2] }}", {"x": 1}],
    ["{% if a %}A{% elif b %}B{% else %}C{% endif %}{% if not a and (b or c) %}D{% endif %}", {"a": False, "b": True, "c": False}],
    ["{%- macro f(a, b=2) -%}[{{ a }}{{ b }}]{%- endmacro -%}{{ f(1) }}{{ f(1, 3) }}{{ f(b=4, a=5) }}{% macro g(n) %}{{ n }}{% if n > 0 %}{{ g(n - 1) }}{% endif %}{% endmacro %}{{ g(3) }}", {}],
    ["{{ ('a', 'b')[1] }}{{ (1,) }}{{ dict(a=1).a }}{{ 'a' 'b' }}{{ [[1, 2], [3]][0][1] }}", {}],
    ["{{ {'a': 1}.items() | list }} {{ ('a', [1], ()) }} {{ (1, 2) == [1, 2] }} {{ (1, 2) == (1, 2) }}", {}],
    ["{{ {'a': 1, 'b': 'x'} }} {{ 0.1 }} {{ 100000.0 }} {{ 1 == 1.0 }} {{ 'a' < 'b' }} {{ [1] == [1] }} {{ true + 1 }}", {}],
]


def chat_cases():
    for name, template in CHATS.items():
        for messages in CONVERSATIONS:
            for prompt in (False, True):
                values = {"messages": messages, "add_generation_prompt": prompt, "tools": None, "documents": None, **TOKENS}
                try:
                    text, refusal = environment.from_string(template).render(**values), None
                except jinja2.exceptions.TemplateError as error:
                    text, refusal = None, str(error)
                yield {"name": name, "template": template, "messages": messages, "add_generation_prompt": prompt, "text": text, "refusal": refusal}


parts = [{"template": t, "variables": v, "text": environment.from_string(t).render(**v)} for t, v in PARTS]
with open("cases.json", "w", encoding="utf-8") as file:
    json.dump({"jinja2": jinja2.__version__, "tokens": TOKENS, "chats": list(chat_cases()), "parts": parts}, file, ensure_ascii=False, indent=1)
    file.write("\n")
