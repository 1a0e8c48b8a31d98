# SPDX-License-Identifier: GPL-2.0
# Of a TAP file, what failed, each with the end of its diagnosis: where it stopped is said last.
function tell(   i) {
	if (title == "")
		return
	print title
	for (i = count > KEEP ? count - KEEP : 0; i < count; i++)
		print said[i]
	title = ""
}

BEGIN { KEEP = 20 }

/^(# )*[ \t]*(not )?ok |^Bail/ {
	tell()
	count = 0
	if ($0 ~ /^(# )*[ \t]*not ok |^Bail/)
		title = $0
	next
}

title != "" { said[count++] = $0 }

END { tell() }
