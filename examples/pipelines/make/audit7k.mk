# The audit and the gate as targets of make. In your Makefile:
#
#     AUDITED := cases.csv predictions.csv      # what the plan reads: a change to one of them asks for a new audit
#     include audit7k.mk
#
# Without AUDITED nobody knows what changed, and each call audits anew.
#
# make ends with 2 whatever goes wrong; the line above its own says 1 (fail), 3 (inconclusive) or 4 (nothing was judged).

AUDIT7K ?= audit7k
AUDIT7K_PLAN ?= plan.toml
AUDIT7K_OUT ?= audit-out
AUDIT7K_RESTRICTED_FOLDER ?= $(AUDIT7K_OUT)/restricted

$(AUDIT7K_OUT)/result.json: $(AUDIT7K_PLAN) $(or $(AUDITED),audit7k-always)
	$(AUDIT7K) run --quiet --out $(AUDIT7K_OUT) --restricted-folder $(AUDIT7K_RESTRICTED_FOLDER) $(AUDIT7K_PLAN) || \
		case $$? in 1|3) ;; *) exit $$? ;; esac

.PHONY: audit7k-always
audit7k-always:

.PHONY: audit
audit: $(AUDIT7K_OUT)/result.json

.PHONY: gate
gate: audit
	$(AUDIT7K) gate --restricted-folder $(AUDIT7K_RESTRICTED_FOLDER) $(AUDIT7K_OUT)
